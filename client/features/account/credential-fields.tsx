import { Field } from "#client/ui/field.tsx";
import { accountWords as said } from "#client/ui/words/account-words.ts";

interface CredentialFieldProps {
  value: string;
  onChange: (value: string) => void;
  /** the browser is not to note what is typed, for others to choose from */
  isShared?: boolean;
}

/** The e-mail address of an account. */
export function EmailField({
  value,
  onChange,
  isShared = false,
  passkeys = false,
}: CredentialFieldProps & { passkeys?: boolean }) {
  return (
    <Field
      label={said.email}
      type="email"
      autoComplete={isShared ? "off" : passkeys ? "username webauthn" : "username"}
      required
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

interface PasswordFieldProps extends CredentialFieldProps {
  label?: string;
  /** `new`: one that is set here, and told what makes it good */
  use: "current" | "new";
}

export function PasswordField({ value, onChange, use, isShared = false, label = said.password }: PasswordFieldProps) {
  return (
    <Field
      label={label}
      {...(use === "new" && { hint: said.signUp.passwordHint })}
      type="password"
      autoComplete={isShared ? "off" : `${use}-password`}
      required
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

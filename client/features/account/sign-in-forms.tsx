import { useEffect, useState } from "react";
import { askServer } from "#client/session/account-requests.ts";
import { Button } from "#client/ui/button.tsx";
import { Status } from "#client/ui/status.tsx";
import { accountWords as said } from "#client/ui/words/account-words.ts";
import { methodsSchema } from "#shared/protocol/account-bodies.ts";
import type { Methods } from "#shared/protocol/account-bodies.ts";
import { Field } from "#client/ui/field.tsx";
import { FormFoot } from "#client/ui/form-foot.tsx";
import { submitting } from "#client/ui/submitting.ts";
import { EmailField, PasswordField } from "./credential-fields.tsx";
import { keptInvite } from "./kept-invite.ts";
import { OtherWays } from "./other-ways.tsx";
import { SharedDeviceBox } from "./shared-device-box.tsx";
import { useAsking } from "#client/ui/use-asking.ts";
import "./account.css";

export type SignInPage = "sign-in" | "sign-up" | "forgot";

interface FormProps {
  fetch: typeof globalThis.fetch;
  methods: Methods | undefined;
  onPage: (page: SignInPage) => void;
  /** somebody is signed in now */
  onDone: () => void;
  /** whether nothing is to be kept on this device */
  sharedDevice: boolean;
  onSharedDevice: (sharedDevice: boolean) => void;
}

/** What one of the pages is called, and what it is for. */
export const titleOf = (page: SignInPage): string => said[wordsOf[page]].title;
export const aboutOf = (page: SignInPage): string => said[wordsOf[page]].about;
const wordsOf = { "sign-in": "signIn", "sign-up": "signUp", forgot: "forgot" } as const;

/** How people get in here; unknown until the server has said it. */
export function useMethods(fetch: typeof globalThis.fetch): Methods | undefined {
  const [methods, setMethods] = useState<Methods>();
  useEffect(() => {
    void askServer(fetch, "GET", "/api/auth/methods", { answer: methodsSchema }).then(
      (asked) => asked.ok && setMethods(asked.value),
    );
  }, [fetch]);
  return methods;
}

const FORMS = { "sign-in": SignInForm, "sign-up": SignUpForm, forgot: ForgotForm } as const;

interface SignInFormsProps extends Omit<FormProps, "sharedDevice" | "onSharedDevice"> {
  page: SignInPage;
  /** whether they said so before */
  isShared?: boolean;
}

export function SignInForms({ page, isShared = false, ...props }: SignInFormsProps) {
  const [sharedDevice, setSharedDevice] = useState(isShared);
  const Form = FORMS[page];
  return (
    <div className="form">
      <Form key={page} {...props} sharedDevice={sharedDevice} onSharedDevice={setSharedDevice} />
    </div>
  );
}

/** As a body says it: absent means that the device is one's own. */
const ofDevice = (sharedDevice: boolean): { sharedDevice?: true } => (sharedDevice ? { sharedDevice } : {});

function SignInForm({ fetch, methods, onPage, onDone, sharedDevice, onSharedDevice }: FormProps) {
  const { asking, ask } = useAsking();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const submit = async (): Promise<void> => {
    const body = { email, password, ...ofDevice(sharedDevice) };
    const done = await ask(() => askServer(fetch, "POST", "/api/auth/sign-in", { body }));
    if (done?.ok) onDone();
  };
  return (
    <>
      <form className="form" onSubmit={submitting(submit)}>
        <EmailField value={email} onChange={setEmail} isShared={sharedDevice} passkeys />
        <PasswordField use="current" value={password} onChange={setPassword} isShared={sharedDevice} />
        <SharedDeviceBox checked={sharedDevice} onChange={onSharedDevice} />
        <FormFoot asking={asking} action={said.signIn.action} />
      </form>
      <OtherWays fetch={fetch} methods={methods} device={ofDevice(sharedDevice)} onDone={onDone} />
      <div className="form-buttons">
        <Button onClick={() => onPage("sign-up")}>{said.signIn.toSignUp}</Button>
        <Button onClick={() => onPage("forgot")}>{said.signIn.toForgot}</Button>
      </div>
    </>
  );
}

function SignUpForm({ fetch, methods, onPage, onDone, sharedDevice, onSharedDevice }: FormProps) {
  const { asking, ask } = useAsking();
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const submit = async (): Promise<void> => {
    // Where nobody else may, whoever is invited makes an account by that.
    const invite = methods?.signUp === false ? keptInvite() : undefined;
    const body = {
      email,
      password,
      ...(name.trim() !== "" && { name }),
      ...(invite !== undefined && { invite }),
      ...ofDevice(sharedDevice),
    };
    const done = await ask(() => askServer(fetch, "POST", "/api/auth/sign-up", { body }));
    if (done?.ok) onDone();
  };
  return (
    <>
      <form className="form" onSubmit={submitting(submit)}>
        <Field
          label={said.name}
          hint={said.nameHint}
          autoComplete={sharedDevice ? "off" : "name"}
          maxLength={80}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <EmailField value={email} onChange={setEmail} isShared={sharedDevice} />
        <PasswordField use="new" value={password} onChange={setPassword} isShared={sharedDevice} />
        <SharedDeviceBox checked={sharedDevice} onChange={onSharedDevice} />
        <FormFoot asking={asking} action={said.signUp.action} />
      </form>
      <div className="form-buttons">
        <Button onClick={() => onPage("sign-in")}>{said.signUp.toSignIn}</Button>
      </div>
    </>
  );
}

function ForgotForm({ fetch, methods, onPage }: FormProps) {
  const { asking, ask } = useAsking();
  const [email, setEmail] = useState("");
  const [sent, setSent] = useState(false);
  const submit = async (): Promise<void> => {
    const asked = await ask(() => askServer(fetch, "POST", "/api/auth/password/forgot", { body: { email } }));
    if (asked?.ok) setSent(true);
  };
  return (
    <>
      <form className="form" onSubmit={submitting(submit)}>
        <EmailField value={email} onChange={setEmail} />
        <Status>
          {sent && (
            <span className="form-done">{methods?.mail === false ? said.forgot.sentToLog : said.forgot.sent}</span>
          )}
        </Status>
        <FormFoot asking={asking} action={said.forgot.action} />
      </form>
      <div className="form-buttons">
        <Button onClick={() => onPage("sign-in")}>{said.forgot.back}</Button>
      </div>
    </>
  );
}

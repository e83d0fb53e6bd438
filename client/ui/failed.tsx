import "./form.css";

/** Why something that was asked for did not happen, where it did not. */
export function Failed({ asking }: { asking: { type: string; words?: string } }) {
  if (asking.type !== "failed") return null;
  return (
    <p className="form-failed" role="alert">
      {asking.words}
    </p>
  );
}

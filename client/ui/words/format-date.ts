import { words } from "./words.ts";

const day = new Intl.DateTimeFormat(words.locale, { dateStyle: "medium" });
const moment = new Intl.DateTimeFormat(words.locale, { dateStyle: "medium", timeStyle: "short" });

/** Ms since 1970 as a day, "Nov 29, 2026". */
export const formatDate = (at: number): string => day.format(at);
/** Ms since 1970 as a day and a time of day. */
export const formatDateTime = (at: number): string => moment.format(at);

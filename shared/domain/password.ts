/** In characters. No rules about which: length is what makes one strong (NIST SP 800-63B, 3.1.1.2). */
export const PASSWORD_LENGTH = { min: 8, max: 128 };

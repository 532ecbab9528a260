/** A value as it might be written down: raw, base64 (three alignments), base64url, hex, percent. */
export function writtenForms(value: string): string[] {
  const bytes = new TextEncoder().encode(value);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  const base64 = [0, 1, 2].map((offset) =>
    btoa("\0".repeat(offset) + String.fromCharCode(...bytes))
      .slice(Math.ceil(offset * 8 / 6), Math.floor((offset + bytes.length) * 8 / 6))
  );
  return [
    value,
    ...base64,
    ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    hex.join(""),
    hex.join("").toUpperCase(),
    encodeURIComponent(value),
    hex.map((byte) => `%${byte}`).join(""),
    hex.map((byte) => `%${byte.toUpperCase()}`).join(""),
  ];
}

/** The form in which `value` stands in `text`; undefined if in none. */
export function findForm(text: string, value: string): string | undefined {
  return writtenForms(value).find((form) => text.includes(form));
}

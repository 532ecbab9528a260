/** The one scheme that is signed: HMAC with SHA-256. SigV4A signs with a key pair instead. */
export const ALGORITHM = "AWS4-HMAC-SHA256";

/** What a signature is good for: a day, a region and a service. */
export interface CredentialScope {
  /** `YYYYMMDD`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export function scopeText({ date, region, service }: CredentialScope): string {
  return `${date}/${region}/${service}/aws4_request`;
}

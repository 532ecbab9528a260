import ipaddr from "ipaddr.js";
import { AppError } from "../../../policy/error.ts";

/** An address to listen on. */
export interface ListenAddress {
  /** An IP address, IPv6 without brackets. */
  readonly hostname: string;
  /** 0: any that is free. */
  readonly port: number;
}

/**
 * Reads `127.0.0.1:7070`, `[::1]:7070`, `localhost:7070`, or `:7070` for every address of this machine.
 *
 * @param option For the message, for example `--listen`.
 * @throws {AppError} `USAGE_INVALID`; the message never holds `text`.
 */
export function parseListenAddress(text: string, option: string): ListenAddress {
  const [, bracketed, plain = "", digits = ""] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const hostname = bracketed ?? (plain === "" ? "0.0.0.0" : plain === "localhost" ? "127.0.0.1" : plain);
  const isAddress = bracketed === undefined
    ? ipaddr.IPv4.isValidFourPartDecimal(hostname)
    : ipaddr.IPv6.isValid(hostname);
  if (digits === "" || port > 65535 || !isAddress) {
    throw new AppError("USAGE_INVALID", `Cannot read ${option}: an IP address and a port are expected`, {
      hints: ["Write for example 127.0.0.1:7070, [::1]:7070, or :7070 for every address of this machine"],
    });
  }
  return { hostname, port };
}

/** Whether only programs on this machine reach an address. */
export function isLoopback({ hostname }: ListenAddress): boolean {
  return ipaddr.parse(hostname).range() === "loopback";
}

/** Whether an address stands for all of this machine's. */
export function isUnspecified({ hostname }: ListenAddress): boolean {
  return ipaddr.parse(hostname).range() === "unspecified";
}

/** `host:port`, as a URL and a permission write it. */
export function authorityOf({ hostname, port }: ListenAddress): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

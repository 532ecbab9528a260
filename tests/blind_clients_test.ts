/**
 * Runtimes as they are, in a blind run, against a TLS server of ours in the role of a public host: the server receives
 * the real value; the program shows a token, although the server echoes what it received.
 */
import { GRPC } from "./support/clients/grpc.ts";
import { testListedClient } from "./support/clients/listed_client.ts";
import { RUNTIMES } from "./support/clients/runtimes.ts";

// requirement: F-6.12, F-6.13, F-6.16, F-6.17
RUNTIMES.forEach(testListedClient);
GRPC.forEach(testListedClient);

/** git in a blind run, as `blind_clients_test.ts` has runtimes. */
import { GIT } from "./support/clients/git.ts";
import { testListedClient } from "./support/clients/listed_client.ts";

// requirement: F-6.5, F-6.15
GIT.forEach(testListedClient);

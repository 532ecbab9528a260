import { API_HOST } from "../blind_project.ts";
import { URL_OF_API } from "../blind_client.ts";
import { echoed, echoedBasic, type ListedClient, type Program } from "./listed_client.ts";
import { sh } from "./shell.ts";

const CURL: Program = { name: "curl", version: ["curl", "--version"] };
const BEARER = `-H "Authorization: Bearer $API_TOKEN"`;

/** Command line tools that show what they are answered. */
export const TOOLS: readonly ListedClient[] = [
  echoed(CURL, "GET with a bearer token", { command: sh(`curl -sS ${BEARER} ${URL_OF_API}`) }),
  echoed(CURL, "POST with a bearer token", {
    command: sh(`curl -sS ${BEARER} -d '{"a":1}' ${URL_OF_API}`),
    body: '{"a":1}',
  }),
  echoedBasic(CURL, "GET with Basic", { command: sh(`curl -sS -u "user:$API_TOKEN" ${URL_OF_API}`) }),
  echoed(CURL, "`--compressed` with a bearer token", {
    command: sh(`curl -sS --compressed ${BEARER} ${URL_OF_API}`),
  }),
  echoed({ name: "wget", version: ["wget", "--version"] }, "GET with a bearer token", {
    command: sh(`wget -q -O- --header="Authorization: Bearer $API_TOKEN" ${URL_OF_API}`),
  }),
  // The login is asked for by its own options, which LibreSSL does not have.
  echoed(
    { name: "OpenSSL", version: ["openssl", "version"], pattern: /(?<=^OpenSSL )[\d.]+/ },
    "`s_client -proxy` with the proxy's credentials and a bearer token",
    {
      command: sh(`proxy=\${HTTPS_PROXY#http://}; proxy=\${proxy%/}; login=\${proxy%@*}; export PASSWORD="\${login#*:}"
        printf 'GET /v1/thing HTTP/1.1\\r\\nHost: ${API_HOST}\\r\\nAuthorization: Bearer %s\\r\\nConnection: close\\r\\n\\r\\n' \\
          "$API_TOKEN" | openssl s_client -quiet -verify_return_error -verify_hostname ${API_HOST} -CAfile "$SSL_CERT_FILE" \\
          -servername ${API_HOST} -proxy "\${proxy##*@}" -proxy_user "\${login%%:*}" -proxy_pass env:PASSWORD \\
          -connect ${API_HOST}:443`),
    },
  ),
];

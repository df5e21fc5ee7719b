// An identity provider (oidc-provider) for the tests of the server, on a loopback port, and a client of it that makes keys, proofs and hostile tokens
// with jose. It speaks clear text, or TLS where CERTIFICATE and KEY are named: then it asks for certificates and binds tokens to the one that a
// connection shows. Prints "ready PORT"; then answers one line of JSON on standard input with one on standard output, until the input ends.
//   {"do":"token","client":"pipeline"}                   client credentials; an access token for the warehouse
//   {"do":"token","client":"prover","key":"a"}           the same, bound to a key of ours (DPoP)
//   {"do":"token","client":"bound","certificate":"PEM"}  the same, bound to a certificate (mTLS)
//   {"do":"proof","key":"a","token":T,"url":U}           a proof of possession for one call
//   {"do":"hostile","kind":K,"token":T,"keys":JWKS,...}  a token that must not be taken
//   {"do":"approve","code":USER_CODE}                    a person logs in and agrees to what a device asked for
//   {"do":"rotate"}                                      signs with another key from now on
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { randomUUID, createHash, X509Certificate } from "node:crypto";
import * as jose from "jose";
import Provider from "oidc-provider";

console.info = console.error;
const audience = "https://warehouse.test";
const keys = [];
await addKey();

async function addKey() {
  const { privateKey } = await jose.generateKeyPair("ES256", { extractable: true });
  keys.unshift({ ...(await jose.exportJWK(privateKey)), kid: `k${keys.length}`, use: "sig", alg: "ES256" });
}

// oidc-provider takes its keys at the start, so each set of keys has a provider of its own behind the one port.
let provider;
let presented; // the certificate of the connection, which a server without TLS is told by the test
const answer = (request, response) => provider.callback()(request, response);
const [, , certificateFile, keyFile] = process.argv;
// Whose certificate it is, nobody asks (RFC 8705, 2.2): a token is bound to whatever was shown.
const server = certificateFile ? createSecureServer({ cert: readFileSync(certificateFile), key: readFileSync(keyFile), requestCert: true, rejectUnauthorized: false }, answer) : createServer(answer);
await new Promise(done => server.listen(0, "127.0.0.1", done));
const issuer = `${certificateFile ? "https" : "http"}://127.0.0.1:${server.address().port}`;
start();

function start() {
  const confidential = { token_endpoint_auth_method: "client_secret_basic", client_secret: "secret of a test", redirect_uris: [], response_types: [], id_token_signed_response_alg: "ES256" };
  const device = "urn:ietf:params:oauth:grant-type:device_code";
  const terminal = { token_endpoint_auth_method: "none", redirect_uris: [], response_types: [], application_type: "native", id_token_signed_response_alg: "ES256" };
  provider = new Provider(issuer, {
    clients: [
      { client_id: "pipeline", grant_types: ["client_credentials"], ...confidential },
      { client_id: "prover", grant_types: ["client_credentials"], dpop_bound_access_tokens: true, ...confidential },
      { client_id: "bound", grant_types: ["client_credentials"], tls_client_certificate_bound_access_tokens: true, ...confidential },
      { client_id: "cli", grant_types: [device], ...terminal },
      { client_id: "cli-long", grant_types: [device, "refresh_token"], ...terminal },
      { client_id: "cli-bound", grant_types: [device, "refresh_token"], tls_client_certificate_bound_access_tokens: true, ...terminal },
      { client_id: "cli-proof", grant_types: [device, "refresh_token"], dpop_bound_access_tokens: true, ...terminal },
    ],
    jwks: { keys },
    enabledJWA: { dPoPSigningAlgValues: ["ES256"] },
    scopes: ["openid", "offline_access", "ask"],
    cookies: { keys: ["a test"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    extraTokenClaims: (_, token) => token.accountId
      ? { roles: ["wh-analyst"], amr: ["pwd", "otp"], auth_time: Math.floor(Date.now() / 1000), sid: token.sessionUid ?? "s" }
      : { roles: ["wh-pipeline"] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32), requireNonce: () => false },
      mTLS: { enabled: true, certificateBoundAccessTokens: true, getCertificate: context => (certificateFile ? context.socket.getPeerX509Certificate() : presented) },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: "ask", audience, accessTokenTTL: 600, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256", kid: keys[0].kid } } }),
      },
    },
    ttl: { ClientCredentials: 600, RefreshToken: 3600, AccessToken: 600, DeviceCode: 600, Grant: 3600, Session: 3600 },
  });
  provider.on("server_error", (_, error) => process.stderr.write(`${error.stack}\n`));
}

const own = new Map();
async function keyOf(name) {
  if (!own.has(name)) own.set(name, await jose.generateKeyPair("ES256", { extractable: true }));
  return own.get(name);
}

async function proof(name, method, url, token) {
  const { privateKey, publicKey } = await keyOf(name);
  const claims = { jti: randomUUID(), htm: method, htu: url };
  if (token) claims.ath = createHash("sha256").update(token).digest("base64url");
  return new jose.SignJWT(claims).setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: await jose.exportJWK(publicKey) }).setIssuedAt().sign(privateKey);
}

async function token({ client, key, certificate }) {
  const url = `${issuer}/token`;
  const headers = { "content-type": "application/x-www-form-urlencoded", authorization: `Basic ${Buffer.from(`${client}:secret%20of%20a%20test`).toString("base64")}` };
  if (key) headers.dpop = await proof(key, "POST", url);
  presented = certificate ? new X509Certificate(certificate) : undefined;
  const answer = await (await fetch(url, { method: "POST", headers, body: new URLSearchParams({ grant_type: "client_credentials", scope: "ask" }) })).json();
  return { token: answer.access_token, type: answer.token_type, error: answer.error_description ?? answer.error };
}

// Makes by jose what a careless verifier would take.
async function hostile({ kind, token, keys: set, certificate }) {
  const claims = jose.decodeJwt(token), header = jose.decodeProtectedHeader(token);
  const stranger = await jose.generateKeyPair("ES256", { extractable: true });
  const sign = (change, head = {}, key = stranger.privateKey) => new jose.SignJWT({ ...claims, ...change }).setProtectedHeader({ ...header, ...head }).sign(key);
  const now = Math.floor(Date.now() / 1000);
  // Signed with the real key, so that only what the kind says is wrong.
  const real = await jose.importJWK(keys[0], "ES256");
  switch (kind) {
    case "none": return new jose.UnsecuredJWT(claims).encode();
    case "secret": return sign({}, { alg: "HS256" }, new TextEncoder().encode(JSON.stringify(set.keys[0])));
    case "stranger": return sign({});
    case "jwk": return sign({}, { jwk: await jose.exportJWK(stranger.publicKey) });
    case "jku": return sign({}, { jku: `${issuer}/jwks` });
    case "kid": return sign({}, { kid: "../../../dev/null" }, real);
    case "crit": return new jose.SignJWT(claims).setProtectedHeader({ ...header, crit: ["urn:x"], "urn:x": 1 }).sign(real, { crit: { "urn:x": true } });
    case "typ": return sign({}, { typ: "JWT" }, real);
    case "audience": return sign({ aud: "https://other.test" }, {}, real);
    case "issuer": return sign({ iss: `${issuer}/` }, {}, real);
    case "expired": return sign({ iat: now - 900, exp: now - 1 }, {}, real);
    case "not-yet": return sign({ nbf: now + 3600 }, {}, real);
    case "long": return sign({ exp: now + 7200 }, {}, real);
    case "good": return sign({ jti: randomUUID() }, {}, real);
    case "other-certificate": return sign({ cnf: { "x5t#S256": new X509Certificate(certificate).fingerprint256.replaceAll(":", "").toLowerCase() } }, {}, real);
    default: throw new Error(kind);
  }
}

// A browser, as far as the provider's pages ask for one.
async function approve({ code, deny }) {
  const jar = new Map();
  async function go(url, body) {
    for (let hops = 0; hops < 10; hops++) {
      const response = await fetch(new URL(url, issuer), { method: body ? "POST" : "GET", body, redirect: "manual", headers: { cookie: [...jar].map(([k, v]) => `${k}=${v}`).join("; "), accept: "text/html" } });
      for (const cookie of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
        jar.set(name, value);
      }
      if (response.status < 300 || response.status >= 400) return { status: response.status, text: await response.text(), url };
      url = response.headers.get("location");
      body = undefined;
      if (url.includes("/interaction/")) return { interaction: url.split("/interaction/")[1] };
    }
    throw new Error("too many redirects");
  }
  const field = text => /name="xsrf" value="([^"]+)"/.exec(text)?.[1];
  const page = await go("/device");
  const confirm = await go("/device", new URLSearchParams({ xsrf: field(page.text), user_code: code }));
  const xsrf = field(confirm.text);
  let step = await go("/device", new URLSearchParams(deny ? { xsrf, user_code: code, abort: "yes" } : { xsrf, user_code: code, confirm: "yes" }));
  for (let prompts = 0; step.interaction && prompts < 5; prompts++) {
    const interaction = await provider.Interaction.find(step.interaction);
    if (interaction.prompt.name === "login") interaction.result = { login: { accountId: "alice", amr: ["pwd", "otp"] } };
    else {
      const grant = new provider.Grant({ accountId: interaction.session.accountId, clientId: interaction.params.client_id });
      grant.addOIDCScope("openid offline_access ask");
      grant.addResourceScope(audience, "ask");
      interaction.result = { consent: { grantId: await grant.save() } };
    }
    await interaction.save(300);
    step = await go(interaction.returnTo);
  }
  return { status: step.status };
}

const actions = {
  token, approve,
  proof: async ({ key, token, url }) => ({ proof: await proof(key, "POST", url, token) }),
  hostile: async request => ({ token: await hostile(request) }),
  rotate: async () => (await addKey(), start(), {}),
};
process.stdout.write(`ready ${server.address().port}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = await actions[request.do](request);
  } catch (error) {
    answer = { error: error.stack };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
server.close();

// Passkeys, as the app asks the browser for them. Options and answers are the server's JSON, in
// which bytes are base64url: not every browser reads and writes that itself.
//
//   rollcallPasskeys.offered               whether this browser has passkeys
//   rollcallPasskeys.create(options)       makes one; a promise of the answer
//   rollcallPasskeys.get(options, suggest) asks for one; with suggest, where the browser suggests what to
//                                          fill in, until another call takes its place
"use strict";

(() => {
  // A passkey belongs to a host's name, and not to an address.
  const offered = isSecureContext && typeof PublicKeyCredential === "function" && Boolean(navigator.credentials) &&
    !/^[\d.]+$|:/.test(location.hostname);
  let controller = null; // ends what is being asked

  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const withBytes = (key) => ({ ...key, id: bytes(key.id) });

  function read(json) {
    const { publicKey } = JSON.parse(json);
    publicKey.challenge = bytes(publicKey.challenge);
    if (publicKey.user) publicKey.user = withBytes(publicKey.user);
    for (const list of ["allowCredentials", "excludeCredentials"]) publicKey[list] = publicKey[list]?.map(withBytes);
    return publicKey;
  }

  function written({ id, rawId, type, response }) {
    const answer = { transports: response.getTransports?.() };
    for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[part]) answer[part] = text(response[part]);
    }
    return JSON.stringify({ id, rawId: text(rawId), type, response: answer, clientExtensionResults: {} });
  }

  async function ask(method, json, mediation) {
    controller?.abort();
    controller = new AbortController();
    try {
      return written(await navigator.credentials[method]({ publicKey: read(json), signal: controller.signal, mediation }));
    } catch (err) {
      if (err.name === "AbortError") return ""; // another call took its place
      if (err.name === "InvalidStateError") throw new Error(rollcallLanguage.tr("This device has a passkey for this account already."));
      if (err.name === "NotAllowedError") throw new Error(rollcallLanguage.tr("No passkey was used: it was cancelled, or took too long."));
      throw err;
    }
  }

  globalThis.rollcallPasskeys = {
    offered,
    create: (options) => ask("create", options),
    async get(options, suggest) {
      if (!suggest) return ask("get", options);
      const can = await PublicKeyCredential.isConditionalMediationAvailable?.();
      return can ? ask("get", options, "conditional") : "";
    },
  };
})();

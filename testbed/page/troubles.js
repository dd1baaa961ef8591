'use strict';
// What goes wrong in the page itself: its one thread stands still, or a passkey is asked for that nobody can give here.
__d('StandinTroubles', ['WABase64'], (g, require, dflt, ns, lazy, module, exports) => {
  /** Nothing in the page runs meanwhile, not even what a debugger asks it. */
  function stall(ms) {
    const end = performance.now() + ms;
    while (performance.now() < end);
  }

  /** The site asks the browser, which asks a person; without one it stays on this screen. */
  function askPasskey({ challenge }) {
    const line = document.getElementById('passkey');
    line.textContent = 'Continue on this device: use your passkey to link it';
    line.hidden = false;
    const publicKey = { challenge: ns('WABase64').decodeB64(challenge), rpId: 'web.whatsapp.com', userVerification: 'required' };
    navigator.credentials?.get({ publicKey }).catch((error) => {
      line.textContent = `Your passkey could not be used (${error.name}). Try again`;
    });
  }

  function passkeyDone() {
    document.getElementById('passkey').hidden = true;
  }

  Object.assign(exports, { stall, askPasskey, passkeyDone });
}, 98);

// Linking and unlinking the device.

import { Trouble, within } from './trouble';

/** Longest wait for a code, in milliseconds. */
const CODE_LIMIT = 20_000;

function unlinked(): void {
  if (!WPP.isFullReady) {
    throw new Trouble('not_ready', 'the page is still loading');
  }
  if (WPP.conn.isAuthenticated()) {
    throw new Trouble('linked', 'a phone is linked already');
  }
}

/** Asks for a fresh QR code; it comes as a change of the status. */
export function refreshQr(): null {
  unlinked();
  // It answers only when the next code is there.
  void WPP.conn.refreshQR().catch(() => null);
  return null;
}

/** The eight characters to be typed on the phone of this number (digits). */
export async function pairingCode({ digits }: { digits: string }): Promise<string> {
  unlinked();
  const failed: { error?: unknown } = {};
  const asked = WPP.conn.genLinkDeviceCodeForPhoneNumber(digits).catch((error: unknown) => {
    failed.error = error;
    return null;
  });
  const code = await within<string | null>(asked, CODE_LIMIT, null);
  if (typeof code !== 'string') {
    throw failed.error ?? new Trouble('no_code', 'WhatsApp gave no pairing code; try again in a while');
  }
  return code;
}

/** Unlinks this device. The page may reload before it answers. */
export async function logout(): Promise<null> {
  await WPP.conn.logout();
  return null;
}

/** "Use here". */
export function takeOver(): null {
  WPP.whatsapp.Socket.takeover();
  return null;
}

/** Whether WhatsApp's server answers: asked of the server itself, past every cache of page and library. */
export async function alive(): Promise<boolean> {
  const { queryWidExists } = WPP.whatsapp.functions;
  if (typeof queryWidExists !== 'function') {
    throw new Trouble('no_probe', 'this page cannot ask the server');
  }
  await queryWidExists(WPP.conn.getMyUserWid());
  return true;
}

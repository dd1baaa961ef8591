// Login and logout: linking and unlinking the device.

import { PageError, within } from '../errors';

/** Deadline for a pairing code, in milliseconds. */
const CODE_TIMEOUT = 20_000;

/** Throws if the page is loading or a phone is linked. */
function requireUnlinked(): void {
  if (!WPP.isFullReady) {
    throw new PageError('not_ready', 'the page is still loading');
  }
  if (WPP.conn.isAuthenticated()) {
    throw new PageError('linked', 'a phone is already linked');
  }
}

/** Requests a fresh QR code, which appears in the status. */
export function refreshQr(): null {
  requireUnlinked();
  // Not awaited: it answers only when the next code is there.
  void WPP.conn.refreshQR().catch(() => null);
  return null;
}

/** Returns the eight characters to type on the phone with this number. */
export async function pairingCode({ digits }: { digits: string }): Promise<string> {
  requireUnlinked();
  const failed: { error?: unknown } = {};
  const request = WPP.conn.genLinkDeviceCodeForPhoneNumber(digits).catch((error: unknown) => {
    failed.error = error;
    return null;
  });
  const code = await within<string | null>(request, CODE_TIMEOUT, null);
  if (typeof code !== 'string') {
    throw failed.error ?? new PageError('no_code', 'WhatsApp gave no pairing code; try again in a few minutes');
  }
  return code;
}

/** Unlinks this device. The page may reload before it answers. */
export async function logout(): Promise<null> {
  await WPP.conn.logout();
  return null;
}

/** Clicks "Use here". */
export function takeOver(): null {
  WPP.whatsapp.Socket.takeover();
  return null;
}

/** Returns whether WhatsApp's server answers, bypassing all caches of page and library. */
export async function alive(): Promise<boolean> {
  const { queryWidExists } = WPP.whatsapp.functions;
  if (typeof queryWidExists !== 'function') {
    throw new PageError('no_probe', 'this version of the page cannot ask the server');
  }
  await queryWidExists(WPP.conn.getMyUserWid());
  return true;
}

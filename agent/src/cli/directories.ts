import { access, constants, mkdir, open } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const systemImages = '/var/lib/imagefactory/storage';
const systemLog = '/var/log/imagefactory.log';
const systemTemporary = '/var/tmp';

/** The image directory: the one given, else the system's when we may write there, else one in the user's home. */
export async function imageDirectory(given: string | undefined): Promise<string> {
  if (given !== undefined) return resolve(given);
  if (await isUsable(systemImages)) return systemImages;
  return join(process.env['XDG_DATA_HOME'] ?? join(homedir(), '.local/share'), 'imagefactory/storage');
}

/** The directory for scratch space: not /tmp, which is often a part of the memory. */
export async function temporaryDirectory(given: string | undefined): Promise<string> {
  if (given !== undefined) return resolve(given);
  return (await isWritable(systemTemporary)) ? systemTemporary : tmpdir();
}

/** The log file: the system's when we may write to it, else one beside the images. */
export async function logFile(images: string): Promise<string> {
  try {
    await (await open(systemLog, 'a', 0o640)).close();
    return systemLog;
  } catch {
    await mkdir(images, { recursive: true });
    return join(images, 'imagefactory.log');
  }
}

/** Makes the directory if need be. */
async function isUsable(path: string): Promise<boolean> {
  try {
    await mkdir(path, { recursive: true });
  } catch {
    return false;
  }
  return isWritable(path);
}

async function isWritable(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

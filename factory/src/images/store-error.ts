import { BuildError, isBuildError } from '@imagefactory/plugin-api';
import { errorCode } from '../platform/files/error-code.js';
import { ImageError } from './image-error.js';

/** What went wrong in a directory of images, in words that a person can act on. */
export function storeError(error: unknown, directory: string): BuildError | ImageError {
  if (isBuildError(error) || error instanceof ImageError) return error;
  if (error instanceof Error && error.name === 'AbortError') {
    return new BuildError('aborted', 'the build was aborted while its image was being stored', {
      cause: error,
    });
  }
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new BuildError('no_space', `no space left in ${directory}; free some or set --imgdir`, {
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new BuildError('not_permitted', `the agent may not write to ${directory}; set --imgdir`, {
        cause: error,
      });
    default:
      return BuildError.from(error);
  }
}

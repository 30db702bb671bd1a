import { BuildError } from '@imagefactory/plugin-api';
import { AgentException, exceptionCodes } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { rejection } from '@imagefactory/factory/testing';
import { orRefusal } from './refusal.js';

describe('what a caller is told of a refusal', () => {
  const answer = async (error: Error): Promise<AgentException> => {
    const refused = await rejection(orRefusal({ template: 'descriptor' }, () => Promise.reject(error)));
    expect(refused).to.be.instanceOf(AgentException);
    return refused as AgentException;
  };

  it('names the argument that is wrong', async () => {
    const { code, message } = await answer(new BuildError('template_invalid', 'no <name>'));
    expect({ code, message }).to.deep.equal({
      code: exceptionCodes.invalidParameter,
      message: 'Invalid argument: descriptor (no <name>)',
    });
  });

  it('names no argument where nothing is wrong with one, and no path', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, open /srv/x'), { code: 'ENOSPC' });
    for (const error of [full, BuildError.from(full)]) {
      const { code, message } = await answer(error);
      expect(code).to.equal(exceptionCodes.exception);
      expect(message).to.equal(
        'could not record the order; nothing was started: no space left on the disk; the operator should look at the image directory',
      );
    }
    const { code, message } = await answer(new BuildError('aborted', 'the agent is stopping'));
    expect({ code, message }).to.deep.equal({
      code: exceptionCodes.exception,
      message: 'the agent is stopping',
    });
  });
});

import { AgentException, exceptionCodes, type InputsOf, type OutputsOf } from '@imagefactory/qmf';
import { BuildLogEvent, BuildNews, BuildStepEvent, NEWS_OBJECT, NEWS_PAGE } from '@imagefactory/schema';
import { failureType } from '@imagefactory/plugin-api';
import { isEnd } from '@imagefactory/factory/jobs';
import type { KnownBuild } from './adaptor-index.js';
import { Follower, lineMap } from './follower.js';
import type { FactoryParts } from './parts.js';
import { invalid } from './refusal.js';

/** Seconds for which a build is followed. */
const leases = { least: 5, usual: 60, most: 600 } as const;

/** Builds that are followed at a time. */
const followedLimit = 200;

/** Puts the object `build_news` on the bus; the result ends what it has begun. */
export function publishNews(parts: FactoryParts): () => void {
  const { session, catalog } = parts;
  const followers = new Map<string, Follower>();
  session.register(BuildLogEvent, BuildStepEvent);
  session.publish(BuildNews, {
    name: NEWS_OBJECT,
    values: {},
    methods: {
      log: inputs => readLog(inputs, parts),
      follow: inputs => follow(inputs, parts, followers),
      detail: inputs => detail(inputs, parts),
      image: async ({ image }) => {
        const record = await catalog.imageOf(image);
        if (record === undefined) throw unknown(image, 'image, build, target image or provider image');
        // What was read from JSON is nothing but maps, lists and texts.
        return {
          record: JSON.parse(JSON.stringify(record)) as OutputsOf<typeof BuildNews, 'image'>['record'],
        };
      },
    },
  });
  return () => {
    for (const follower of [...followers.values()]) follower.stop();
  };
}

async function readLog(
  { build: name, from, limit }: InputsOf<typeof BuildNews, 'log'>,
  parts: FactoryParts,
): Promise<OutputsOf<typeof BuildNews, 'log'>> {
  const { build } = known(name, parts);
  const first = from ?? 1;
  if (!Number.isSafeInteger(first) || first < 1) throw invalid('from', 'a number from 1 on is expected');
  const most = limit ?? NEWS_PAGE;
  if (!(most >= 1)) throw invalid('limit', 'a number from 1 on is expected');
  // Read before the lines are: what comes meanwhile is for the next call.
  const ended = isEnd(build.state.status);
  const lines = await parts.engine.logLines(build.id, first, Math.min(most, NEWS_PAGE));
  const next = (lines.at(-1)?.seq ?? first - 1) + 1;
  return { lines: lines.map(lineMap), next, over: ended && lines.length < Math.min(most, NEWS_PAGE) };
}

function follow(
  { build: name, seconds }: InputsOf<typeof BuildNews, 'follow'>,
  parts: FactoryParts,
  followers: Map<string, Follower>,
): OutputsOf<typeof BuildNews, 'follow'> {
  const found = known(name, parts);
  const { build } = found;
  const granted = Math.min(Math.max(seconds ?? leases.usual, leases.least), leases.most);
  const next = build.log.last + 1;
  if (isEnd(build.state.status)) return { granted: 0, next, over: true };
  let follower = followers.get(build.id);
  if (follower === undefined) {
    if (followers.size >= followedLimit) {
      throw new AgentException(
        `${followedLimit} builds are followed already; ask for the lines with log, or try again later`,
        exceptionCodes.exception,
      );
    }
    follower = new Follower(found, parts.events, () => followers.delete(build.id));
    followers.set(build.id, follower);
  }
  follower.prolong(granted);
  return { granted, next, over: false };
}

function detail(
  { build: name }: InputsOf<typeof BuildNews, 'detail'>,
  parts: FactoryParts,
): OutputsOf<typeof BuildNews, 'detail'> {
  const { build } = known(name, parts);
  const { state, place } = build;
  const { activity, error } = build.detail;
  const failure = state.status === 'FAILED' ? state.failure : undefined;
  return {
    status_detail: { activity, error: error ?? failure?.info ?? null },
    queue: { ...place },
    failure:
      failure === undefined
        ? {}
        : {
            type: failureType(failure.code),
            info: failure.info,
            last_lines: [...failure.lastLines],
            removed: [...failure.cleanup.removed],
            left: [...failure.cleanup.left],
          },
  };
}

function known(name: string, { adaptors }: FactoryParts): KnownBuild {
  const found = adaptors.find(name);
  if (found === undefined) throw unknown(name, 'build');
  return found;
}

function unknown(name: string, what: string): AgentException {
  return new AgentException(
    `No ${what} is known as ${JSON.stringify(name.slice(0, 80))}; give the name of an adaptor, or a uuid`,
    exceptionCodes.unknownObject,
  );
}

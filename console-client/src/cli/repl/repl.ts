import { createInterface, type Interface } from 'node:readline';
import { nearest } from '@imagefactory/text';
import type { Command } from 'commander';
import { readSettings, type GlobalOptions, type Settings } from '../args/settings.js';
import { type Bus, tellAgentChanges, tellBusChanges } from '../bus.js';
import { eventFilter, type EventsOptions } from '../commands/events.js';
import type { Action, Context } from '../context.js';
import { toShownError, silence } from '../commander.js';
import { usageError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { anySignal, type Io, sharedController } from '../io.js';
import { chosenAgents, matchRank } from '../lookup/agents.js';
import { escapeControls } from '../../terminal/escape.js';
import { Output } from '../../terminal/output.js';
import { buildProgram } from '../program.js';
import { BackgroundEvents } from './background-events.js';
import { completeLine } from './completer.js';
import { fileNames } from './files.js';
import { fileHistory, type History, historyPath } from './history.js';
import type { RunLine } from './kept-line.js';
import { LiveNames } from './live-names.js';
import { Recall } from './recall.js';
import { Screen } from './screen.js';
import { splitLine } from './words.js';

const COMPLETION_DEADLINE = 900;

/** What is learnt of a line while it runs. */
type Reading = { -readonly [name in 'words' | 'command' | 'method']?: RunLine[name] };

/** What the REPL is doing. */
type State =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'running'; readonly cancel: AbortController }
  | { readonly kind: 'leaving' };

/** Runs commands line by line until the input ends. On a terminal with prompt, history and completion. */
export async function replCommand(context: Context): Promise<number> {
  const bus = await context.bus();
  const repl = new Repl(context, bus, await historyOf(context.io));
  try {
    return await repl.run();
  } finally {
    await repl.close();
  }
}

async function historyOf(io: Io): Promise<{ readonly store: History | undefined; readonly lines: string[] }> {
  const path = isInteractive(io) ? historyPath(io.env) : undefined;
  const store = path === undefined ? undefined : fileHistory(path);
  return { store, lines: (await store?.load()) ?? [] };
}

function isInteractive(io: Io): boolean {
  return io.stdin.isTTY === true && io.stdout.isTTY === true;
}

class Repl {
  readonly #line: Interface;
  readonly #recall: Recall;
  readonly #screen: Screen;
  readonly #out: Output;
  readonly #names: LiveNames;
  readonly #background: BackgroundEvents;
  readonly #untell: () => void;
  #settings: Settings;
  #state: State = { kind: 'waiting' };
  #firstFailure: number = exitCodes.ok;
  /** Set when a script must not go on, because no agent was chosen. */
  #isBroken = false;

  constructor(
    private readonly context: Context,
    private readonly bus: Bus,
    history: { readonly store: History | undefined; readonly lines: string[] },
  ) {
    const { io } = context;
    this.#settings = context.settings;
    this.#names = new LiveNames(bus.console, () => this.#settings.agent);
    const interactive = isInteractive(io);
    this.#line = createInterface({
      input: io.stdin,
      ...(interactive ? { output: io.stdout } : {}),
      terminal: interactive,
      history: history.lines,
      historySize: 1_000,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
        void this.#complete(line).then(result => done(null, result));
      },
    });
    this.#screen = new Screen(io.stdout, this.#line);
    this.#out = this.#output(this.#settings.json);
    this.#background = new BackgroundEvents(bus.console);
    const tell = (text: string): void => this.#out.note(text);
    const untells = [
      tellBusChanges(bus.console.connection, tell),
      tellAgentChanges(bus.console.session, tell, name => this.#isMeant(name)),
    ];
    this.#untell = () => {
      for (const untell of untells) untell();
    };
    this.#recall = new Recall(history.store);
    this.#line.on('history', (lines: string[]) => this.#recall.entered(lines));
  }

  async run(): Promise<number> {
    const { io, signal } = this.context;
    const lines = this.#lines(signal);
    if (isInteractive(io)) {
      this.#out.note(
        `connected to ${this.bus.console.connection.broker}; Tab completes, help helps, Ctrl-D leaves`,
      );
    }
    this.#prompt();
    for await (const line of lines) {
      this.#screen.hidePrompt();
      await this.#runLine(line);
      if (this.#isLeaving() || this.#isBroken || signal.aborted) break;
      this.#prompt();
    }
    if (signal.aborted && this.#firstFailure === exitCodes.ok) return exitCodes.interrupted;
    return isInteractive(io) ? exitCodes.ok : this.#firstFailure;
  }

  async close(): Promise<void> {
    this.#untell();
    this.#background.off();
    this.#names.close();
    this.#line.close();
    await this.#recall.settled();
  }

  #isMeant(agent: string): boolean {
    const text = this.#settings.agent;
    return text === undefined || matchRank(agent, text) !== undefined;
  }

  /** Lines as they are typed; the stream ends with the input, with Ctrl-D, and with the signal. */
  async *#lines(signal: AbortSignal): AsyncGenerator<string> {
    const waiting: string[] = [];
    const input = { ended: false };
    let wake: () => void = () => undefined;
    this.#line.on('line', line => {
      waiting.push(line);
      wake();
    });
    const end = (): void => {
      input.ended = true;
      wake();
    };
    this.#line.on('close', () => {
      if (isInteractive(this.context.io)) {
        // Someone who leaves wants no answers any more.
        this.#cancel();
        if (this.#screen.state === 'prompt') this.context.io.stdout.write('\n');
        this.#screen.hidePrompt();
      }
      end();
    });
    this.#line.on('SIGINT', () => this.#interrupted());
    signal.addEventListener('abort', end, { once: true });
    for (;;) {
      const line = waiting.shift();
      if (line !== undefined && !signal.aborted) yield line;
      else if (input.ended) return;
      else {
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
    }
  }

  /** Ctrl-C stops the command that runs, or forgets what was typed; it never leaves. */
  #interrupted(): void {
    if (this.#cancel()) return;
    this.#screen.hidePrompt();
    const typed = this.#line.line;
    this.context.io.stdout.write('^C\n');
    if (typed === '') this.#out.note('Ctrl-D or quit leaves');
    // Ctrl-U and Ctrl-K: the only door that readline has to an empty line.
    this.#line.write(null, { ctrl: true, name: 'e' });
    this.#line.write(null, { ctrl: true, name: 'u' });
    this.#prompt();
  }

  #cancel(): boolean {
    if (this.#state.kind !== 'running') return false;
    this.#state.cancel.abort();
    return true;
  }

  #isLeaving(): boolean {
    return this.#state.kind === 'leaving';
  }

  #prompt(): void {
    if (!isInteractive(this.context.io)) return;
    this.#line.setPrompt(promptFor(this.#settings.agent));
    this.#screen.showPrompt();
  }

  #output(json: boolean): Output {
    const { io } = this.context;
    return new Output(io, {
      json,
      writeOut: text => this.#screen.write(text),
      writeErr: text => this.#screen.write(text, io.stderr),
    });
  }

  async #runLine(text: string): Promise<void> {
    const cancel = sharedController();
    this.#state = { kind: 'running', cancel };
    const reading: Reading = {};
    const exitCode = await this.#execute(text, reading, cancel.signal).catch((error: unknown) => {
      const shown = toShownError(error, reading.words ?? []);
      const isKnown = cancel.signal.aborted || this.context.io.output.lost.aborted;
      if (!isKnown && shown.exitCode !== exitCodes.ok) this.#out.error(shown);
      return shown.exitCode;
    });
    this.#recall.ran({ text, ...reading, exitCode });
    if (this.#firstFailure === exitCodes.ok) this.#firstFailure = exitCode;
    if (exitCode !== exitCodes.ok && !isInteractive(this.context.io) && choosesAgent(text)) {
      this.#isBroken = true;
      this.#out.note('the script ends here: what follows would go to other agents than it was written for');
    }
    if (!this.#isLeaving()) this.#state = { kind: 'waiting' };
  }

  /** Every line is read by commander, whatever is done with it. */
  async #execute(text: string, reading: Reading, cancel: AbortSignal): Promise<number> {
    if (text.trimStart().startsWith('#')) return exitCodes.ok;
    const words = splitLine(text);
    if (words.length === 0) return exitCodes.ok;
    reading.words = words;
    let code: number = exitCodes.ok;
    const program = this.#program(async (options, action) => {
      const context = this.#contextFor(options, cancel);
      code = await action({
        ...context,
        onMethod: method => {
          reading.method = method;
        },
      });
    });
    program.hook('preAction', (_program, command) => {
      reading.command = { name: command.name(), operands: command.args };
    });
    await program.parseAsync(words, { from: 'user' });
    return code;
  }

  #contextFor(options: GlobalOptions, cancel: AbortSignal): Context {
    const { io, signal, followSignal } = this.context;
    const settings = readSettings(options, io.env, this.#settings);
    return {
      io,
      settings,
      signal: anySignal(cancel, signal),
      followSignal: anySignal(cancel, followSignal),
      out: this.#output(settings.json),
      bus: () => Promise.resolve(this.bus),
      mayReadStdin: false,
    };
  }

  #program(run: (options: GlobalOptions, action: Action) => Promise<void>): Command {
    const program = buildProgram({
      run,
      prefix: '',
      switchEvents: (options, turn) => this.#switchEvents(options, turn),
    });
    program
      .command('use')
      .description('Send the following commands to this agent only; without a name, to all.')
      .argument('[agent]', 'its name, vendor, product, instance, or how one of these begins')
      .action((agent: string | undefined, _options: unknown, command: Command) =>
        run(command.optsWithGlobals<GlobalOptions>(), context => this.#use(context, agent)),
      );
    program
      .helpCommand(false)
      .command('help')
      .description('This list, or all about one command.')
      .argument('[command]')
      .action((name: string | undefined) => this.#help(program, name));
    program
      .command('quit')
      .alias('exit')
      .description('Leave, as Ctrl-D does. Ctrl-C stops the command that runs.')
      .action(() => {
        this.#state = { kind: 'leaving' };
      });
    silence(program, text => this.#screen.write(text), this.#out.width);
    return program;
  }

  #switchEvents(options: EventsOptions & GlobalOptions, turn: 'on' | 'off'): void {
    const settings = readSettings(options, this.context.io.env, this.#settings);
    if (turn === 'off') this.#background.off();
    else this.#background.on(eventFilter(options, settings.agent), this.#output(settings.json));
    this.#out.note(`events are ${this.#background.isOn ? 'shown as they come' : 'not shown'}`);
  }

  /** Waits for the agent as every command does. */
  async #use(context: Context, text: string | undefined): Promise<number> {
    if (text === undefined || text === '-' || text === 'all') {
      this.#settings = { ...this.#settings, agent: undefined };
      this.#out.note('commands go to all agents that fit');
      return exitCodes.ok;
    }
    const agents = await chosenAgents({ ...context, settings: { ...context.settings, agent: text } });
    this.#settings = { ...this.#settings, agent: text };
    this.#out.note(`commands go to ${agents.map(({ name }) => name).join(', ')}`);
    return exitCodes.ok;
  }

  #help({ commands }: Command, name: string | undefined): void {
    if (name !== undefined) {
      const command = commands.find(candidate => [candidate.name(), ...candidate.aliases()].includes(name));
      if (command === undefined) throw usageError(`there is no command '${name}'`, "see 'help'");
      command.outputHelp();
      return;
    }
    for (const command of commands) {
      const usage = `${command.name()} ${argumentsOf(command)}`;
      this.#out.line({ text: usage.padEnd(30), style: 'cyan' }, ' ', command.description());
    }
  }

  #complete(line: string): Promise<[string[], string]> {
    return completeLine(line, {
      names: this.#names,
      program: this.#program(() => Promise.resolve()),
      files: fileNames,
      deadline: COMPLETION_DEADLINE,
    });
  }
}

/** Whether a line was to choose an agent, also if it was misspelt or cannot be split. */
function choosesAgent(line: string): boolean {
  const words = line.trim().split(/[\s'"]+/);
  return words.includes('use') || nearest(words[0] ?? '', ['use']) === 'use';
}

function argumentsOf(command: Command): string {
  return command.registeredArguments
    .map(argument => {
      const name = argument.name().includes('|') ? argument.name() : argument.name().toUpperCase();
      if (argument.variadic) return `${name}…`;
      return argument.required ? name : `[${name}]`;
    })
    .join(' ');
}

/** Says which agent is in use, without the length of its instance. */
function promptFor(agent: string | undefined): string {
  if (agent === undefined) return 'imagefactory> ';
  const [vendor = '', product, ...instance] = agent.split(':');
  const shown = [product ?? vendor, ...instance.map(part => part.slice(0, 8))].join(':');
  return `${escapeControls(shown)}> `;
}

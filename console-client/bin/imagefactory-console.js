#!/usr/bin/env node
import { main } from '@imagefactory/console-client/cli';

await main();

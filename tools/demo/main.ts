/** `npm run demo`: recorded calls through a whole installation, checked against LiveKit's own collector. */
import { runProgram } from '../../src/cli/program.ts';
import { demoCommand } from './demo.ts';

runProgram(demoCommand());

import { replaceKafkajsModules } from './replace-kafkajs-modules.ts';

replaceKafkajsModules();

import { receiveWholeBatches } from './kafkajs-record-batches.ts';

receiveWholeBatches();

import type { Fault, Scene } from './scene.ts';

const FEW = 5;
const MANY = 60;

/** What happens to one of the topics, while the other is read. */
export const TOPIC_FAULTS = {
  'a topic is deleted for a while': async (scene) => {
    const { fleeting, random } = scene;
    await booked(scene, random.integer(FEW, MANY));
    await fleeting.delete();
    await scene.advance();
    await fleeting.create();
    await fleeting.send(random.integer(1, FEW));
    await fleeting.acceptLosses();
  },

  'a topic is recreated and stays shorter': async (scene) => {
    const { fleeting, random } = scene;
    await booked(scene, MANY);
    await fleeting.delete();
    await fleeting.create();
    await fleeting.send(random.integer(1, FEW));
    await scene.advance();
    await fleeting.acceptLosses();
  },

  // Its offsets look like those of before: what lies before the position is what is easily lost.
  'a topic is recreated and filled past the position': async (scene) => {
    const { fleeting, random } = scene;
    await booked(scene, random.integer(FEW, MANY / 2));
    await fleeting.delete();
    await fleeting.create();
    await fleeting.send(3 * MANY);
    await scene.advance();
    await fleeting.acceptLosses();
  },
} as const satisfies Record<string, Fault>;

async function booked({ fleeting }: Scene, events: number): Promise<void> {
  await fleeting.send(events);
  await fleeting.isBooked();
}

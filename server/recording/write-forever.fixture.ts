/** For recorder.test.ts, as a child process to be killed: numbered records into a log, each number told once written. */
import { encodeRecord, RecordKind } from '../../protocol/log.ts';
import { Recorder } from './recorder.ts';

const recorder = await Recorder.open(process.argv[2]!);
let next = Number(process.argv[3]);
const padding = 'x'.repeat(500);

function write(): void {
  for (let i = 0; i < 50; i++) {
    const number = next++;
    const data = Buffer.from(`${number} ${padding}`);
    recorder.append(encodeRecord({ kind: RecordKind.output, time: BigInt(number), data }), () => {
      process.stdout.write(`${number}\n`);
    });
  }
  setImmediate(write);
}
write();

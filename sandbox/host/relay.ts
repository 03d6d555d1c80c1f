/** Run by the engine's exec: copies bytes between its standard streams and the host's socket. Knows no secret. */
import { connect } from 'node:net';

const socket = connect(`\0${process.argv[2] ?? 'sallyport-host'}`);
process.stdin.pipe(socket);
socket.pipe(process.stdout);
socket.on('error', () => process.exit(1));
socket.on('close', () => process.exit(0));
process.stdin.on('error', () => process.exit(1));
process.stdout.on('error', () => process.exit(1));

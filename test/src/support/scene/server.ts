import { createServer } from 'node:http';
import { answers, scene } from './places.js';

/**
 * A program: a web server on all addresses of its network namespace. A request for `/to/URL` is answered with a redirect there, others with
 * the kind of the address that was asked.
 */
const server = createServer((request, response) => {
  const [, target] = /^\/to\/(.*)$/.exec(request.url ?? '') ?? [];
  if (target !== undefined) {
    response.writeHead(302, { location: target }).end();
    return;
  }
  const isPublic = request.socket.localAddress === scene.public;
  response.end(`${isPublic ? answers.public : answers.private}\n`);
});
server.listen(scene.port, '0.0.0.0', () => console.log('ready'));

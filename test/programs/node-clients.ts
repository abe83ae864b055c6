import assert from "node:assert/strict";
import { once } from "node:events";
import { Client, credentials } from "@grpc/grpc-js";
import { TALK } from "./node-servers.ts";

/** Talks to a server of `node-servers.ts` and throws when it does not say what it should. */
export type NodeTalk = (host: string, port: number) => Promise<void>;

/** gRPC: a stream both ways, each message answered before the next is sent. */
export const talkGrpc: NodeTalk = async (host, port) => {
  const client = new Client(`${host}:${port}`, credentials.createInsecure());
  try {
    const { path, requestSerialize, responseDeserialize } = TALK;
    const call = client.makeBidiStreamRequest<Buffer, Buffer>(
      path,
      requestSerialize,
      responseDeserialize,
    );
    for (let n = 0; n < 50; n++) {
      call.write(Buffer.from(`message ${n}`));
      const [answer] = await once(call, "data");
      assert.equal(answer.toString(), `re: message ${n}`);
    }
    call.end();
    const [status] = await once(call, "status");
    assert.equal(status.code, 0);
  } finally {
    client.close();
  }
};

/** WebSocket: messages both ways over the connection that HTTP began. */
export const talkWebSocket: NodeTalk = async (host, port) => {
  const socket = new WebSocket(`ws://${host}:${port}/`);
  await once(socket, "open");
  for (const text of ["hello", "", "x".repeat(125)]) {
    socket.send(text);
    const [message] = await once(socket, "message");
    assert.equal(message.data, text);
  }
  socket.close();
  const [closed] = await once(socket, "close");
  assert.equal(closed.wasClean, true);
};

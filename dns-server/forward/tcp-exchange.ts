import { connect } from "node:net";
import { TcpFrames } from "../transport/tcp-frames.ts";
import type { Exchange, ExchangeDeps } from "./exchange.ts";
import { answersQuery } from "./forwarded-message.ts";

/** Asks upstreams by TCP, one connection a query: clients come this way only when UDP was too small. */
export function tcpExchange({ clock, drawId }: ExchangeDeps): Exchange {
  return ({ query, questionEnd, upstream, timeoutMs }) =>
    new Promise((resolve) => {
      const asked = Buffer.alloc(2 + query.length);
      asked.writeUInt16BE(query.length, 0);
      query.copy(asked, 2);
      asked.writeUInt16BE(drawId(), 2);
      const socket = connect(upstream.port, upstream.host);
      const finish = (response: Buffer | undefined): void => {
        timer.cancel();
        socket.destroy();
        resolve(response);
      };
      const timer = clock.setTimer(timeoutMs, () => finish(undefined));
      const frames = new TcpFrames();
      socket.setNoDelay(true);
      socket.on("connect", () => socket.write(asked));
      socket.on("data", (chunk) => {
        frames.push(chunk);
        const response = frames.take();
        if (response === undefined) return;
        const isAnswer = answersQuery(response, asked.subarray(2), questionEnd);
        finish(isAnswer ? Buffer.from(response) : undefined);
      });
      socket.on("error", () => finish(undefined));
      socket.on("close", () => finish(undefined));
    });
}

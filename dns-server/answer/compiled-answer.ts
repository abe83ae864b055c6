/**
 * A positive answer as bytes, complete but for what differs per query: id, RD, the question's case, OPT.
 * Owner names point into the question, so echoing its case echoes it in the answers too (DNS-04).
 */
export interface CompiledAnswer {
  /** Header, question, answers, then addresses of targets. */
  readonly bytes: Buffer;
  /** First byte after the question. */
  readonly answersStart: number;
  readonly answerCount: number;
  /** Where the answer section ends and the additional one starts. */
  readonly answersEnd: number;
  readonly additionalCount: number;
  /** Bytes of each answer when all are alike and may be handed out in any order; 0 otherwise. */
  readonly rotationBytes: number;
  /** Which answer comes first, turn by turn, when some are to come first more often. */
  readonly firsts?: Uint16Array;
  /** Places where the message may be cut, ascending; empty for what fits the smallest client. */
  readonly cuts: readonly Cut[];
  /** True when the whole answer would not even fit into a TCP message. */
  readonly isIncomplete: boolean;
  /** Offset of a SOA serial; 0 when there is none. */
  readonly serialAt: number;
}

export interface Cut {
  readonly end: number;
  readonly answerCount: number;
  readonly additionalCount: number;
}

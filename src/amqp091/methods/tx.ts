import type { Handlers } from "./handler.ts";

export const txMethods: Handlers = {
  "tx.select"(channel) {
    channel.session.selectTransactions();
    channel.send("tx.select-ok", {});
  },

  "tx.commit"(channel) {
    channel.sendAfter((done) => channel.session.commitTransaction(done), "tx.commit-ok", {});
  },

  "tx.rollback"(channel) {
    channel.session.rollbackTransaction();
    channel.send("tx.rollback-ok", {});
  },
};

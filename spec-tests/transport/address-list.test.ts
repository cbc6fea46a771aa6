import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressList, isNetwork } from "../../src/transport/address-list.ts";

test("[proxy protocol/trusted] addresses and networks of both families, mapped addresses included", () => {
  const list = new AddressList(["10.0.0.0/8", "192.0.2.1", "fd00::/8", "::1"]);
  for (const address of ["10.1.2.3", "192.0.2.1", "::ffff:10.1.2.3", "fd12::1", "::1"]) {
    assert(list.has(address), address);
  }
  for (const address of ["11.0.0.1", "192.0.2.2", "::ffff:11.0.0.1", "fe80::1", "nonsense", ""]) {
    assert(!list.has(address), address);
  }
  assert(!new AddressList([]).has("127.0.0.1"));
});

test("[proxy protocol/trusted] what is no address and no network is told", () => {
  for (const text of ["10.0.0.0/8", "0.0.0.0/0", "::/0", "::1/128", "10.0.0.1"]) assert(isNetwork(text), text);
  for (const text of ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8/8", "localhost", "10.0.0", "*"]) {
    assert(!isNetwork(text), text);
  }
});

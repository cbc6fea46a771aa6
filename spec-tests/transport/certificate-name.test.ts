import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { certificateName, type NameSource } from "../../src/transport/certificate-name.ts";
import { type CertificateOptions, TestAuthority } from "../support/test-certificates.ts";

const authority = new TestAuthority();

test("[tls/name] a distinguished name is written as RabbitMQ does: the most specific first, with its attribute types", () => {
  const subject: CertificateOptions["subject"] = [
    [["DC", "example"]],
    [["C", "AT"]],
    [["O", "Example"]],
    [["title", "Dr"]],
    [
      ["CN", "alice"],
      ["emailAddress", "a@example.com"],
    ],
    [["serialNumber", "7"]],
  ];
  const expected = "SERIALNUMBER=7,CN=alice+EMAILADDRESS=a@example.com,TITLE=Dr,O=Example,C=AT,DC=example";
  assert.equal(nameOf("distinguishedName", { subject }), expected);
});

test("[tls/name] in a distinguished name everything is escaped that RFC 4514 or ASCII asks for", () => {
  const dn = (value: string): string | undefined => nameOf("distinguishedName", { subject: [[["CN", value]]] });
  assert.equal(dn('a,b+c"d\\e<f>g;h'), 'CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h');
  assert.equal(dn("#a"), "CN=\\#a");
  assert.equal(dn(" a "), "CN=\\ a\\ ");
  assert.equal(dn("Größe~"), "CN=Gr\\C3\\B6\\C3\\9Fe\\7E");
  assert.equal(dn("a\nO=b + C=c"), "CN=a\\0AO=b \\+ C=c");
});

test("[tls/name] common names are taken as they are, and joined with commas", () => {
  const cn = (...values: string[]): string | undefined =>
    nameOf("commonName", { subject: [[["O", "x"]], ...values.map((value) => [["CN", value]] as const)] as never });
  assert.equal(cn("alice"), "alice");
  assert.equal(cn("a,b + Größe\n"), "a,b + Größe\n");
  assert.equal(cn("alice", "bob"), "alice,bob");
  assert.equal(cn(), undefined);
});

test("[tls/name] of the alternative names of a kind the first counts", () => {
  const alternativeNames: CertificateOptions["alternativeNames"] = [
    ["email", "first@example.com"],
    ["dns", "one.example"],
    ["dns", "two.example"],
    ["uri", "urn:a,DNS:b"],
    ["ip", "192.0.2.1"],
  ];
  assert.equal(nameOf("dns", { alternativeNames }), "one.example");
  assert.equal(nameOf("email", { alternativeNames }), "first@example.com");
  assert.equal(nameOf("uri", { alternativeNames }), "urn:a,DNS:b");
  assert.equal(nameOf("ip", { alternativeNames }), "192.0.2.1");
  assert.equal(nameOf("dns", { alternativeNames: [["email", "x@example.com"]] }), undefined);
  assert.equal(nameOf("dns", { alternativeNames: [] }), undefined);
});

function nameOf(source: NameSource, options: CertificateOptions): string | undefined {
  return certificateName(new X509Certificate(authority.issue(options).certificate), source);
}

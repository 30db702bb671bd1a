#!/usr/bin/env bash
# Makes the certificates that the tests use, with the openssl command. What each of them is for stands in README.md.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
names='DNS:localhost,IP:127.0.0.1,IP:::1,DNS:broker.test'
from=20200101000000Z
until=20991231235959Z

cat > "$work/ca.cnf" <<EOF
[ca]
default_ca = it
[it]
dir = $work
database = $work/index.txt
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
organizationName = optional
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
EOF
: > "$work/index.txt"

key() { openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1"; }

authority() { # file, name
  key "$work/$1.key"
  openssl req -new -key "$work/$1.key" -subj "/O=Image Factory tests, not to be trusted/CN=$2" -out "$work/$1.csr"
  openssl ca -batch -notext -config "$work/ca.cnf" -selfsign -extensions authority -keyfile "$work/$1.key" \
    -startdate "$from" -enddate "$until" -in "$work/$1.csr" -out "$1.pem" 2> "$work/log" || { cat "$work/log"; exit 1; }
}

leaf() { # file, key file, name, use, alternative names, authority, from, until
  printf '[leaf]\nbasicConstraints = CA:FALSE\nextendedKeyUsage = %s\n%s\n' "$4" "${5:+subjectAltName = $5}" > "$work/$1.ext"
  openssl req -new -key "$2" -subj "/CN=$3" -out "$work/$1.csr"
  openssl ca -batch -notext -config "$work/ca.cnf" -extfile "$work/$1.ext" -extensions leaf -cert "$6.pem" -keyfile "$work/$6.key" \
    -startdate "$7" -enddate "$8" -in "$work/$1.csr" -out "$1.pem" 2> "$work/log" || { cat "$work/log"; exit 1; }
}

authority ca 'Test authority'
authority other-ca 'Another test authority'
key server.key
key client.key
leaf server server.key broker.test serverAuth "$names" ca "$from" "$until"
leaf server-elsewhere server.key elsewhere.test serverAuth DNS:elsewhere.test ca "$from" "$until"
leaf server-expired server.key broker.test serverAuth "$names" ca 20000101000000Z 20010101000000Z
leaf client client.key alice clientAuth '' ca "$from" "$until"
leaf client-foreign client.key alice clientAuth '' other-ca "$from" "$until"
cp server.key "$work/self-signed.key"
printf '[leaf]\nbasicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth\nsubjectAltName = %s\n' "$names" > "$work/self.ext"
openssl req -new -key server.key -subj /CN=broker.test -out "$work/self.csr"
openssl ca -batch -notext -config "$work/ca.cnf" -selfsign -extfile "$work/self.ext" -extensions leaf -keyfile server.key \
  -startdate "$from" -enddate "$until" -in "$work/self.csr" -out self-signed.pem 2> "$work/log" || { cat "$work/log"; exit 1; }
openssl pkcs8 -topk8 -v2 aes-256-cbc -in client.key -passout 'pass:open sesame' -out client-locked.key
cat client.pem client.key > client-both.pem

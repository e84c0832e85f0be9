#!/bin/bash
# sshd: its configuration test, and one login whose pre-authentication child lives under seccomp.
. "$(dirname "$0")/lib.sh"
need openssh-server openssh-client
mkdir -p /run/sshd
for type in rsa ed25519; do ssh-keygen -q -t $type -N '' -f "$tmp/$type"; done
cp "$tmp/ed25519.pub" "$tmp/authorized"
cat >"$tmp/sshd_config" <<CONFIG
HostKey $tmp/rsa
HostKey $tmp/ed25519
AuthorizedKeysFile $tmp/authorized
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
LogLevel ERROR
CONFIG
took_over /usr/sbin/sshd -t -f "$tmp/sshd_config"

test_config() {
  run /usr/sbin/sshd -t -f "$tmp/sshd_config"
  run /usr/sbin/sshd -T -f "$tmp/sshd_config" | sort
}
login() {
  local server="${with[*]} /usr/sbin/sshd -i -f $tmp/sshd_config"
  run ssh -F none -i "$tmp/ed25519" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
    -o "ProxyCommand=$server" "$(id -un)@masu" 'seq 50000 | sha256sum; id -u'
}
compare test_config
compare login

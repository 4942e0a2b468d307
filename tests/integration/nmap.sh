#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A port scan in its several kinds: exactly the configured ports are open, others
# are closed, and smcgate goes on serving.
# Long: 20 s, scans that wait for answers that do not come.
. "$(dirname "$0")/_lib.sh"

# No limit to resets, which would make closed ports look filtered.
start_gate '{"tcp": {"rst_rate": 1000000, "synack_retries": 1}}'
start_web
scan() { # WHAT... : ports not closed, as "number/state"
	in_ns timeout 120 nmap -n -Pn -T4 --max-retries 10 "$@" $gate -oG - |
		sed -n 's/.*Ports: \([^\t]*\).*/\1/p' | tr ',' '\n' | awk -F/ '$2 != "closed" { print $1 + 0 "/" $2 }' | xargs
}
quiet_pid=()
open="7/open 9/open 80/open 8080/open"
equal "SYN scan" "$(scan -sS -p 1-10000)" "$open"
equal "connect scan" "$(scan -sT -p 1-1000,8080)" "$open"
quiet=${open//open/open|filtered}
# These wait for answers that do not come: all at once.
ip netns exec "$ns" timeout 120 nmap -n -Pn -T4 -sV --version-light -p 7,9,80,8080 $gate >"$work/versions" &
versions=$!
at_exit "end_pid $versions"
for kind in -sN -sF -sX; do
	scan $kind -p 1-100,8080 >"$work/scan$kind" &
	quiet_pid[${#quiet_pid[@]}]=$!
done
for i in 0 1 2; do wait "${quiet_pid[i]}" || fail "a quiet scan"; done
for kind in -sN -sF -sX; do equal "scan $kind" "$(cat "$work/scan$kind")" "$quiet"; done
in_ns nmap -n -Pn -T4 -sA -p 1-100,8080 $gate -oG - | grep -q 'Ignored State: unfiltered (101)' || fail "ACK scan"
wait $versions || fail "version scan"
grep -q '^80/tcp *open *http' "$work/versions" || fail "no http seen: $(cat "$work/versions")"
in_ns timeout 120 nmap -n -Pn -T4 -O --osscan-guess --max-os-tries 1 -p 80,81 $gate >/dev/null || fail "OS scan"
in_ns timeout 120 nmap -n -sn -PE -PP -PM $gate | grep -q 'Host is up' || fail "host scan"

equal "a page after all this" "$(in_ns curl -s -m 60 http://$gate/ | wc -c)" 1024
[ "$(lost_count tcp_no_listener)" -gt 10000 ] || fail "closed ports were not counted: $(lost)"
finish 'tcp_.*|icmp_.*|ip_.*|udp_.*|.*'

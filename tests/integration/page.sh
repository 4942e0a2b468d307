#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Pages by curl, requests by hand, and ping up to what has to be fragmented.
. "$(dirname "$0")/_lib.sh"

mkdir -p "$work/www"
echo '<p>hello' >"$work/www/hello.html"
head -c 300000 /dev/urandom >"$work/www/big.bin"
start_gate

check "ping" in_ns ping -q -c3 -i0.2 -W10 $gate
check "fragmented ping" in_ns ping -q -c3 -i0.2 -W10 -s 4000 $gate
check "ping in 7 fragments" in_ns ping -q -c2 -i0.2 -W10 -s 10000 $gate

get() { in_ns curl -s -m 60 "$@"; }
code() { get -o /dev/null -w '%{http_code}' "$@"; }
equal "octets of /" "$(get http://$gate/ | wc -c)" 1024
equal "hello.html" "$(get http://$gate/hello.html)" '<p>hello'
get -o "$work/copy" http://$gate/big.bin
equal "sum of big.bin" "$(sum <"$work/copy")" "$(sum <"$work/www/big.bin")"
equal "HEAD" "$(get -I http://$gate/big.bin | tr -d '\r' | sed -n 's/^Content-Length: //p')" 300000
equal "no such page" "$(code http://$gate/none)" 404
equal "way out of the directory" "$(code --path-as-is http://$gate/../../etc/passwd)" 404
equal "POST" "$(code -d x=1 http://$gate/)" 405
head -c 100000 /dev/zero >"$work/zeros"
equal "body too large" "$(code -X POST -H Expect: --data-binary @"$work/zeros" http://$gate/)" 413
equal "HTTP/1.0" "$(code -0 http://$gate/)" 200
equal "not HTTP" "$(printf 'NONSENSE\r\n\r\n' | in_ns nc -w20 $gate 80 | head -c 12)" "HTTP/1.1 400"

reused=$(get -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects} ' http://$gate/ http://$gate/ http://$gate/)
equal "connections made for 3 requests" "$reused" "1 0 0 "
request='GET /hello.html HTTP/1.1\r\nHost: x\r\n\r\n'
answers=$(printf "$request$request${request%'\r\n'}Connection: close\r\n\r\n" | in_ns nc -w20 $gate 80)
equal "pipelined requests answered" "$(grep -c '<p>hello' <<<"$answers")" 3

accepted=$(field "show tcp stats" accepted)
in_ns bash -c "for ((i = 0; i < 200; i++)); do curl -s -m 60 -o /dev/null http://$gate/ || exit 1; done" ||
	fail "200 connections in a row"
equal "connections accepted" "$(field "show tcp stats" accepted)" $((accepted + 200))
get -o /dev/null "http://$gate/?[1-1000]" || fail "1000 requests in a row"
equal "SYN cookies sent" "$(field "show tcp stats" "syn cookies sent")" 0
# The kernel repeats what was answered late.
finish "$sent_again"

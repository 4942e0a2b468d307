#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A Linux client that wants SMC, with services of ours that speak TCP only: TCP from the
# start (reason 0x03010000, the peer does not offer SMC), at once and unharmed.
. "$(dirname "$0")/_lib.sh"

no_option=0x03010000
guest_smc
start_gate
before=$(guest_fallbacks 0x3010000)
for kind in '' -I; do
	for bytes in 1 4096 1000000; do
		transfer "echo of $bytes ${kind:-AF_SMC}" $no_option $kind -p 7 -n $bytes -m 20000
	done
	transfer "half close ${kind:-AF_SMC}" $no_option $kind -p 7 -n 100000 -H
	transfer "20 at once ${kind:-AF_SMC}" $no_option $kind -p 7 -c 20 -j 20 -n 10000
done
equal "fallbacks the guest counted" $(($(guest_fallbacks 0x3010000) - before)) 48
transfer "plain TCP" tcp -T -p 7 -n 100000

for run in '' smcrun 'smcrun -i'; do
	equal "octets of a page by ${run:-TCP}" "$(guest "$run curl -s -m 10 http://$gate/ | wc -c")" 1024
done
equal "groups in the guest" "$(guest 'smcctl lgr' | wc -l)" 0
finish "$sent_again"

/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/dim/dim.h"

const struct dim_profile dim_rx_eqe[DIM_PROFILES] = {
	{ 1, 256 }, { 8, 256 }, { 64, 256 }, { 128, 256 }, { 256, 256 },
};
const struct dim_profile dim_rx_cqe[DIM_PROFILES] = {
	{ 2, 256 }, { 8, 128 }, { 16, 64 }, { 32, 64 }, { 64, 64 },
};
const struct dim_profile dim_tx_eqe[DIM_PROFILES] = {
	{ 1, 128 }, { 8, 128 }, { 32, 128 }, { 64, 128 }, { 128, 128 },
};
const struct dim_profile dim_tx_cqe[DIM_PROFILES] = {
	{ 5, 128 }, { 8, 64 }, { 16, 32 }, { 32, 32 }, { 64, 32 },
};
const struct dim_profile dim_rdma[DIM_RDMA_PROFILES] = {
	{ 1, 1 }, { 1, 4 }, { 2, 4 }, { 2, 8 }, { 4, 8 }, { 16, 8 }, { 16, 16 }, { 32, 16 }, { 32, 32 },
};

#pragma once

// Every number that a port to another device may want to change, in one table. Tiles and block
// sizes change the speed and never a row's result; the bits of sums over a batch depend on some,
// which say so.

namespace fewstep::tuning {

// ---- Element-wise operations: combinations, steps, random numbers ----

constexpr int LINEAR_THREADS = 256;

// ---- Sums over a batch ----

// Threads of a block, and the most blocks, of which each leaves a partial sum. Bits depend on both.
// All blocks fit on an H100 at once: a second generation that does not fill it would be slow.
constexpr int REDUCTION_THREADS = 256;
constexpr int REDUCTION_BLOCKS = 512;

// Blocks a multiprocessor that the registers are to suffice for.
constexpr int REDUCTION_RESIDENT = 4;

// Vectors of each batch that a thread waits for together.
constexpr int REDUCTION_AHEAD = 2;

// ---- Networks: evaluation and training ----

// A block carries a tile of rows through all layers: so many, or a smaller power of two where the
// shared memory or the batch asks for it, but not fewer than a thread has.
constexpr int NETWORK_TILE_ROWS = 64;

// In a product of a layer a thread has in registers so many bytes of rows (8 of float, 4 of double)
// by so many outputs.
constexpr int NETWORK_THREAD_BYTES = 32;
constexpr int NETWORK_THREAD_OUTPUTS = 4;

// The most threads of a block, and how many such blocks a multiprocessor has registers for; fewer
// where the columns between layers are off chip, for addresses there are longer.
constexpr int NETWORK_THREADS = 128;
constexpr int NETWORK_BLOCKS = 3;
constexpr int NETWORK_BLOCKS_OFF = 2;

// Between layers on tensor cores, so many rows more from one column to the next, lest columns read
// at once be in the same banks.
constexpr int NETWORK_PADDING = 8;

// Shared memory that a block has beside the columns of its tile, at most.
constexpr int NETWORK_OTHER_SHARED = 4096;

// Tiles that a grid takes at a time, for each multiprocessor; blocks go over the rest in strides.
constexpr int NETWORK_GRID = 16;

// A gradient is summed over runs of so many rows, a multiple of the tile, and then over the runs.
// Bits depend on it.
constexpr int GRADIENT_RUN = 256;

// A block sums a square of the weights of a layer, so many outputs by so many inputs, and a thread
// GRADIENT_PATCH by GRADIENT_PATCH of them.
constexpr int GRADIENT_TILE = 64;
constexpr int GRADIENT_PATCH = 4;
constexpr int GRADIENT_THREADS =
    (GRADIENT_TILE / GRADIENT_PATCH) * (GRADIENT_TILE / GRADIENT_PATCH);

// Bytes of slopes and sums that a backward pass takes at a time, as many runs as they hold: what
// one kernel leaves the next one then finds in the L2 cache.
constexpr long long GRADIENT_BYTES = 32ll << 20;

// Blocks of a gradient for each multiprocessor; they go over the rest in strides.
constexpr int GRADIENT_GRID = 8;

// Threads of operations parameter by parameter.
constexpr int ELEMENT_THREADS = 256;

// The most blocks, and so the partial sums, of the norm of a gradient. Its bits depend on this and
// on ELEMENT_THREADS.
constexpr int NORM_BLOCKS = 256;

// ---- Gaussian mixtures ----

// Threads a block of the kernels with a thread a row.
constexpr int MIXTURE_THREADS = 128;

// Threads a block of the kernels that redo rows.
constexpr int FAR_THREADS = 64;

// Shared memory of a block for a tile of components.
constexpr int MIXTURE_TILE_BYTES = 8192;

// Bytes of coordinates that the rows of one thread take together, or one row if it has more: with
// more rows a component that was read serves longer, with fewer there are registers for all.
constexpr int MIXTURE_POINT_BYTES = 16;

// Blocks a multiprocessor that the registers are to suffice for.
constexpr int MIXTURE_BLOCKS = 2;

// Warps a block of the kernels with a warp a row, and blocks a multiprocessor.
constexpr int MIXTURE_WARPS = 4;
constexpr int MIXTURE_WARP_BLOCKS = 4;

// Warps a block of the kernels on tensor cores, and blocks a multiprocessor.
constexpr int TILE_WARPS = 4;
constexpr int TILE_BLOCKS = 2;

// Memory for the marks of components that survive, at a time.
constexpr long long SURVIVOR_BYTES = 64ll << 20;

// Scratch memory of a block that may be shared memory, and of all blocks elsewhere.
constexpr unsigned MIXTURE_SHARED_BYTES = 48 << 10;
constexpr unsigned MIXTURE_WORKSPACE_BYTES = 64 << 20;

}  // namespace fewstep::tuning

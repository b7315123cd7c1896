#pragma once

// Whole trajectories of a flow that a network holds: one kernel runs any plan of
// org.fewstep.backend.Plan, a block a tile of rows, whose slots never leave the chip.

#include "network.cuh"
#include "plan.cuh"

namespace fewstep::network {

// The arrays of a trajectory; its outputs have no log-density.
template <typename Real>
struct Trajectory {
  int64_t n;
  const Real* x;  // [n, inputs]
  Program<Real> program;
  TrajectoryOutputs<Real> outputs;
  int weights;  // numbers of the network, first to last, that layers read
};

// Copies the numbers that layers read to shared memory, 16 bytes at a time.
template <typename Real>
FS_DEVICE void read_weights(const Real* numbers, int count, Real* to) {
  for (int at = thread_index() * LANES<Real>; at < count; at += thread_count() * LANES<Real>) {
    *reinterpret_cast<Vector<Real>*>(to + at) =
        *reinterpret_cast<const Vector<Real>*>(numbers + at);
  }
}

template <typename Real>
FS_DEVICE void write_rows(const Tile& tile, const Real* held, int columns, Real* batch) {
  for_each(tile, columns, [&](int c, int r) {
    if (r < tile.count) {
      batch[(tile.first + r) * columns + c] = held[(c << tile.shift) + r];
    }
  });
}

// Element (i, row) of a slot, of a point and of the value of a network is the same thread's
// throughout, so that only what layers read waits at barriers.
template <typename Real, bool WEIGHTS_ON_CHIP, bool TENSOR = false>
FS_KERNEL(tuning::NETWORK_THREADS, tuning::NETWORK_BLOCKS)
trajectory(Network<Real> net, Trajectory<Real> call, Room<Real> room) {
  if (TENSOR && !TENSOR_CORES) {
    return;
  }
  FS_DYNAMIC_SHARED(Real, shared);
  FS_SHARED(Real, faults, TILE);

  const int d = net.inputs;
  const Program<Real>& program = call.program;
  Real* const one = shared;
  Real* const other = one + net.width * room.stride;
  Real* const point = other + net.width * room.stride;
  Real* const slots = point + (d << room.shift);
  const auto slot = [&](int j) { return slots + ((j * d) << room.shift); };
  if (WEIGHTS_ON_CHIP) {
    read_weights(net.numbers, call.weights, slot(program.slots));
    net.numbers = slot(program.slots);
  }

  const int64_t stride = block_count() << room.shift;
  for (int64_t first = block_index() << room.shift; first < call.n; first += stride) {
    const Tile tile = tile_at(first, call.n, room);
    const auto combined = [&](const Real* weights, int at) {
      Real sum = 0;
      FS_UNROLL_BY(1)
      for (int j = 0; j < program.slots; j++) {
        sum = weights[j] == 0 ? sum : fma(weights[j], slot(j)[at], sum);
      }
      return sum;
    };
    int knot = 0;
    const auto leave_knot = [&] {
      if (call.outputs.knots != nullptr) {
        write_rows(tile, slots, d, call.outputs.knots[knot++]);
      }
    };

    // A row that begins as no number is none throughout, in all columns.
    const auto find_faults = [&](const Real* held) {
      FS_BARRIER();
      for_each(tile, 1, [&](int, int r) { faults[r] = fault_of(tile, held, d, r); });
    };
    read_rows(tile, call.x, d, slots);
    find_faults(slots);
    FS_BARRIER();
    for_each(tile, d, [&](int i, int r) {
      const int at = (i << tile.shift) + r;
      slots[at] += faults[r];
      for (int j = 1; j < program.slots; j++) {
        slot(j)[at] = 0;
      }
    });
    leave_knot();

    const double* time = program.times;
    FS_UNROLL_BY(1)
    for (int o = 0; o < program.count; o++) {
      const Operation<Real>& operation = program.operations[o];
      const int target = static_cast<int>(operation.target);
      if (target == 0) {
        for_each(tile, d, [&](int i, int r) {
          const int at = (i << tile.shift) + r;
          slots[at] = combined(operation.weights, at);
        });
        leave_knot();
        continue;
      }
      for_each(tile, d, [&](int i, int r) {
        const int at = (i << tile.shift) + r;
        point[at] = combined(operation.weights, at);
        one[between(tile, i, r)] = entered(net, point[at], i);
      });
      if (net.takes_time) {
        const Real now = static_cast<Real>(*time);
        for_each(tile, 1, [&](int, int r) { one[between(tile, d, r)] = now; });
      }
      time++;
      find_faults(point);
      const Real* const last =
          run<TENSOR>(net, tile, VALUES, net.layers, Tape<Real>{}, one, other);
      for_each(tile, d, [&](int i, int r) {
        const int at = (i << tile.shift) + r;
        const Real value = left_value(net, tile, last, point, faults, i, r);
        slot(target)[at] = fma(-operation.half, value, operation.drift * point[at]);
      });
    }
    if (call.outputs.end != nullptr) {
      write_rows(tile, slots, d, call.outputs.end);
    }
  }
}

}  // namespace fewstep::network

#pragma once

// Values of a Gaussian mixture of many dimensions and components on tensor cores, in float32: a
// block has a tile of rows and goes over tiles of components, as two products of matrices with a
// softmax between them.
//
// It is for mixtures and times where the expanded form of distances keeps its digits; see
// org.fewstep.mixture.ExpandedForm for that and for the formulas. With x' = x - alpha c, the centre
// c, and nu_k = mu_k - c:
//
//   z_k = sum_j input_j x'_j nu_kj + start_k          one covariance for all components
//   z_k = (sum_j input_j x'_j nu_kj + start_k - h) gain_k + log_weight_k    isotropic ones
//   r_k = 2^(z_k - max z), times 1/lambda_k where that differs
//   E   = sum_k r_k nu_k / sum_k r_k
//
// Both sums are products in TF32 of parts, x = high + low: high high + (high low + low high), which
// are exact in all that float32 would keep. Tensor cores truncate sums, so these are short: of
// CHAIN coordinates, or of a tile of components, and added in float32. starts, the squares of nu,
// enter chain by chain, so that nothing gets larger than what a chain contributes.
//
// Rows outside of the radius for which that is accurate, and those with NaN, are marked and left
// out; mixture_wide.cuh does them.
//
// At low noise the logits tell, within a margin, which components a row is near to: few of them.
// These survivors mixture_wide.cuh evaluates by differences.

#include "far_rows.cuh"
#include "mixture_component.cuh"
#include "tensor.cuh"
#include "tuning.cuh"

namespace fewstep {

// The components of a tile, and the coordinates that are in shared memory at a time.
constexpr int TILE_COMPONENTS = 64;
constexpr int TILE_COORDINATES = 64;

// The products of one sum on tensor cores, in a logit.
constexpr int CHAIN = 32;

// Coordinates come in multiples of this.
constexpr int TILE_UNIT = 16;

// A mixture at one time as org.fewstep.cuda.TilePack writes it. Components are padded to whole
// tiles by some of weight zero, coordinates to whole units by zeros.
struct MixtureTiles {
  const float* means;        // [K,d], nu_k
  const float* coordinates;  // [COORDINATE_CONSTANTS,d]
  const float* log_weights;  // [K], base 2
  const float* starts;       // [chains,K]
  const float* gains;        // [K], log2(e)/lambda_k; null if all have one covariance, and so are:
  const float* precisions;   // [K], 1/lambda_k
  const float* contractions; // [K], alpha sigma_k^2/lambda_k
  long long components;      // padded
  int dimension;
  int width;                 // padded
  float alpha;
  float alpha_low;           // what rounding it has lost
  float largest_square;      // of a point within the radius
  float margin;              // by which a component without weight is at least below the largest
  double log_constant;

  FS_METHOD float coordinate(int constant, int j) const {
    return coordinates[static_cast<long long>(constant) * width + j];
  }

  // x' of a coordinate of x.
  FS_METHOD float centred(float x, int j) const {
    return x - coordinate(CENTRE, j) - coordinate(CENTRE_LOW, j);
  }

  enum CoordinateConstant {
    CENTRE,           // alpha c
    CENTRE_LOW,       // what rounding it has lost
    INPUT,            // times x' gives what nu is multiplied by
    SQUARE,           // times x'^2 summed gives h, or what logits of one covariance leave out
    SCORE,            // score = SCORE (alpha E - p x'), p the mean precision or 1
    MEAN_OF_MEANS,    // E[x_0|x] = MEAN_CENTRE + MEAN_OF_MEANS E + MEAN_OF_POINT g x',
    MEAN_OF_POINT,    //   g the mean contraction or 1
    MEAN_CENTRE,
    COORDINATE_CONSTANTS
  };
};

// How the warps of a block share a tile of rows: in the products a warp has MT by NT fragments C,
// those of WR times WC warps make ROWS by TILE_COMPONENTS, or by TILE_COORDINATES.
template <int ROWS>
struct TileShape {
  static constexpr int WARPS = tuning::TILE_WARPS;
  static constexpr int THREADS = WARPS * WARP;
  static constexpr int MT = ROWS >= 32 ? 2 : 1;
  static constexpr int WR = ROWS / (16 * MT);
  static constexpr int WC = WARPS / WR;
  static constexpr int NT = TILE_COMPONENTS / (8 * WC);

  // Rows of matrices in shared memory lie so that 8 of them have 8 different groups of 4 banks, as
  // loads of squares want it, and twice as many every other one.
  static constexpr int PITCH = TILE_COORDINATES + 4;
  static constexpr int STAGE = TILE_COMPONENTS * PITCH;

  // The columns of all fragments.
  FS_ANYWHERE static constexpr long long columns(long long width) {
    return (width + 8 * WC - 1) / (8 * WC) * (8 * WC);
  }

  // The numbers in shared memory.
  FS_ANYWHERE static constexpr long long numbers(long long width) {
    return ROWS * (width + 4) + ROWS * columns(width) + 2 * STAGE + ROWS * PITCH +
           ROWS * (8 + 5 * WC);
  }
};

static_assert(TILE_COMPONENTS == TILE_COORDINATES, "both products have the same fragments");

template <int ROWS>
class TileOfRows {
  using Shape = TileShape<ROWS>;
  static constexpr int MT = Shape::MT;
  static constexpr int NT = Shape::NT;
  static constexpr int WC = Shape::WC;
  static constexpr int PITCH = Shape::PITCH;
  static constexpr int THREADS = Shape::THREADS;

 public:
  FS_METHOD TileOfRows(const MixtureTiles& mixture, float* shared, const float* x, long long first,
                       long long n)
      : mixture(mixture),
        x(x),
        first(first),
        n(n),
        lane(thread_index() % WARP),
        warp(thread_index() / WARP),
        warp_row(warp / WC * 16 * MT),
        warp_column(warp % WC) {
    points = shared;
    point_pitch = mixture.width + 4;
    sums = points + ROWS * point_pitch;
    stages = sums + ROWS * Shape::columns(mixture.width);
    weights = stages + 2 * Shape::STAGE;
    squares = weights + ROWS * PITCH;
    largest = squares + ROWS;
    rescale = largest + 2 * ROWS;
    totals = rescale + ROWS;
    total_precisions = totals + ROWS;
    total_contractions = total_precisions + ROWS;
    likeliest = reinterpret_cast<int*>(total_contractions + ROWS);
    maxima = total_contractions + 2 * ROWS;
    partial = maxima + WC * ROWS;
    candidates = reinterpret_cast<int*>(partial + 3 * WC * ROWS);
    marked = reinterpret_cast<unsigned*>(partial);
  }

  // Centres and scales the rows.
  FS_METHOD void load() {
    for (int row = warp; row < ROWS; row += Shape::WARPS) {
      const bool inside = first + row < n;
      float square = 0;
      for (int j = lane; j < mixture.width; j += WARP) {
        float value = 0;
        if (inside && j < mixture.dimension) {
          value = mixture.centred(x[(first + row) * mixture.dimension + j], j);
        }
        square = fma(mixture.coordinate(MixtureTiles::SQUARE, j) * value, value, square);
        points[row * point_pitch + j] = mixture.coordinate(MixtureTiles::INPUT, j) * value;
      }
      square = lane_sum<WARP>(square);
      if (lane == 0) {
        squares[row] = square;
      }
    }
    for (int chunk = 0; chunk * TILE_COORDINATES < mixture.width; chunk++) {
      each_sum(chunk, [](int, int, FragmentC& sum) { sum = FragmentC(); });
    }
    for (int row = thread_index(); row < ROWS; row += THREADS) {
      largest[row] = Limits<float>::LEAST;
      totals[row] = total_precisions[row] = total_contractions[row] = 0;
      likeliest[row] = 0;
    }
    FS_BARRIER();
  }

  // Marks the rows that are left to others.
  FS_METHOD void mark(const FarRows& far) const {
    const int half = thread_index();
    if (half < ROWS / 16 && first + 16 * half < n) {
      unsigned bits = 0;
      for (int i = 0; i < 16; i++) {
        bits |= outside(16 * half + i) ? 1u << i : 0u;
      }
      reinterpret_cast<uint16_t*>(far.words)[first / 16 + half] = static_cast<uint16_t>(bits);
    }
  }

  // Components from this one on.
  FS_METHOD void add_tile(long long tile) {
    const int chunks = chunk_count();
    FragmentC logits[MT][NT];
    FragmentC corrections[MT][NT];
    // Every chunk of coordinates serves both products, the second time in reverse order: the two
    // chunks in the middle are still there.
    FS_UNROLL_BY(1)
    for (int chunk = 0; chunk < chunks; chunk++) {
      arrive();
      if (chunk + 1 < chunks) {
        begin_copy(tile, chunk + 1, tile + chunk + 1);
      }
      multiply_points(tile, chunk, tile + chunk, logits, corrections);
    }
    finish_logits(tile, logits, corrections);
    weigh(tile, logits);
    FS_UNROLL_BY(1)
    for (int chunk = chunks - 1; chunk >= 0; chunk--) {
      arrive();
      if (chunk == 0) {
        begin_copy(tile + 1, 0, tile + 1);
      } else if (chunk + 1 < chunks) {
        begin_copy(tile, chunk - 1, tile + chunk - 1);
      }
      if (chunk == chunks - 1) {
        add_totals(tile);
      }
      multiply_means(tile, chunk);
    }
  }

  // Which of the components from this one on survive, into the rows' words.
  FS_METHOD void filter_tile(long long tile, unsigned* survivors) {
    const int chunks = chunk_count();
    FragmentC logits[MT][NT];
    FragmentC corrections[MT][NT];
    FS_UNROLL_BY(1)
    for (int chunk = 0; chunk < chunks; chunk++) {
      const long long step = tile * chunks + chunk;
      arrive();
      begin_copy(chunk + 1 < chunks ? tile : tile + 1, (chunk + 1) % chunks, step + 1);
      multiply_points(tile, chunk, step, logits, corrections);
    }
    finish_logits(tile, logits, corrections);
    find_survivors(tile, logits);
    FS_BARRIER();
    store_survivors(tile, survivors);
  }

  // Begins to copy a chunk of the means of a tile, if there is such a tile, to every other stage.
  FS_METHOD void begin_copy(long long tile, int chunk, long long step) {
    if (tile * TILE_COMPONENTS < mixture.components) {
      const int quads = chunk_width(chunk) / 4;
      const float* from = mixture.means + tile * TILE_COMPONENTS * mixture.width;
      for (int i = thread_index(); i < TILE_COMPONENTS * quads; i += THREADS) {
        const int row = i / quads;
        const int column = 4 * (i % quads);
        copy_async(stage(step) + row * PITCH + column,
                   from + static_cast<long long>(row) * mixture.width + chunk * TILE_COORDINATES +
                       column);
      }
    }
    commit_copies();
  }

  FS_METHOD void store(const MixtureOutputs<float>& outputs) {
    FS_BARRIER();
    if (outputs.log_density != nullptr) {
      for (int row = warp; row < ROWS; row += Shape::WARPS) {
        if (done(row)) {
          store_log_density(row, outputs.log_density);
        }
      }
      // All of x has been read before an output is written: one may lie where it does.
      FS_BARRIER();
    }
    if (outputs.score == nullptr && outputs.posterior_mean == nullptr) {
      return;
    }
    for (int chunk = 0; chunk * TILE_COORDINATES < mixture.width; chunk++) {
      each_sum(chunk, [&](int m, int nt, const FragmentC& sum) {
        FS_UNROLL
        for (int v = 0; v < 4; v++) {
          const int row = row_of(m, v);
          const int j = chunk * TILE_COORDINATES + column_of(nt) + 2 * (lane % 4) + v % 2;
          if (j < mixture.dimension && done(row)) {
            store_coordinate(row, j, sum.value[v], outputs);
          }
        }
      });
    }
  }

 private:
  FS_METHOD int chunk_width(int chunk) const {
    const int rest = mixture.width - chunk * TILE_COORDINATES;
    return rest < TILE_COORDINATES ? rest : TILE_COORDINATES;
  }

  FS_METHOD int chunk_count() const {
    return (mixture.width + TILE_COORDINATES - 1) / TILE_COORDINATES;
  }

  FS_METHOD float* stage(long long step) const { return stages + step % 2 * Shape::STAGE; }

  // What was copied is there for all, and what was there before has been read by all.
  FS_METHOD static void arrive() {
    await_copies<0>();
    FS_BARRIER();
  }

  // The row of a fragment's value.
  FS_METHOD int row_of(int m, int v) const {
    return warp_row + 16 * m + lane / 4 + 8 * (v / 2);
  }

  // The column that a warp's fragment begins with.
  FS_METHOD int column_of(int nt) const { return 8 * (warp_column + WC * nt); }

  // Written so that NaN is outside.
  FS_METHOD bool outside(int row) const { return !(squares[row] <= mixture.largest_square); }

  FS_METHOD bool done(int row) const { return first + row < n && !outside(row); }

  // A in two parts, of 16 rows from memory.
  FS_METHOD void load_a(const float* rows, int pitch, FragmentA<Tf32>& high,
                        FragmentA<Tf32>& low) const {
    uint32_t words[4];
    load_squares(words, rows + lane % 16 * pitch + lane / 16 * 4);
    split(words, high, low);
  }

  // logits += points nu' over a chunk, one chain after the other.
  FS_METHOD void multiply_points(long long tile, int chunk, long long step,
                                 FragmentC (&logits)[MT][NT],
                                 FragmentC (&corrections)[MT][NT]) const {
    const float* means = stage(step);
    const int width = chunk_width(chunk);
    FS_UNROLL_BY(1)
    for (int begin = 0; begin < width; begin += CHAIN) {
      FragmentC chain[MT][NT];
      const float* starts = mixture.starts + tile * TILE_COMPONENTS +
                            (chunk * TILE_COORDINATES + begin) / CHAIN * mixture.components;
      FS_UNROLL
      for (int nt = 0; nt < NT; nt++) {
        FS_UNROLL
        for (int v = 0; v < 4; v++) {
          const float start = starts[column_of(nt) + 2 * (lane % 4) + v % 2];
          FS_UNROLL
          for (int m = 0; m < MT; m++) {
            chain[m][nt].value[v] = start;
          }
        }
      }
      FS_UNROLL_BY(1)
      for (int k = begin; k < begin + CHAIN && k < width; k += TILE_UNIT) {
        FragmentA<Tf32> high[MT][2];
        FragmentA<Tf32> low[MT][2];
        FS_UNROLL
        for (int m = 0; m < MT; m++) {
          FS_UNROLL
          for (int half = 0; half < 2; half++) {
            load_a(points + (warp_row + 16 * m) * point_pitch + chunk * TILE_COORDINATES + k +
                       8 * half,
                   point_pitch, high[m][half], low[m][half]);
          }
        }
        FS_UNROLL
        for (int nt = 0; nt < NT; nt++) {
          uint32_t words[4];
          load_squares(words, means + (column_of(nt) + lane % 8) * PITCH + k + lane / 8 * 4);
          FS_UNROLL
          for (int half = 0; half < 2; half++) {
            FragmentB<Tf32> b_high;
            FragmentB<Tf32> b_low;
            split(words + 2 * half, b_high, b_low);
            FS_UNROLL
            for (int m = 0; m < MT; m++) {
              multiply_add(corrections[m][nt], high[m][half], b_low);
              multiply_add(corrections[m][nt], low[m][half], b_high);
              multiply_add(chain[m][nt], high[m][half], b_high);
            }
          }
        }
      }
      each_value([&](int m, int nt, int v) {
        logits[m][nt].value[v] += chain[m][nt].value[v];
      });
    }
  }

  template <typename Body>
  FS_METHOD static void each_value(Body body) {
    FS_UNROLL
    for (int m = 0; m < MT; m++) {
      FS_UNROLL
      for (int nt = 0; nt < NT; nt++) {
        FS_UNROLL
        for (int v = 0; v < 4; v++) {
          body(m, nt, v);
        }
      }
    }
  }

  // Adds to logits what is missing.
  FS_METHOD void finish_logits(long long tile, FragmentC (&logits)[MT][NT],
                               const FragmentC (&corrections)[MT][NT]) const {
    const bool varies = mixture.gains != nullptr;
    const long long component = tile * TILE_COMPONENTS + 2 * (lane % 4);
    each_value([&](int m, int nt, int v) {
      float& z = logits[m][nt].value[v];
      z += corrections[m][nt].value[v];
      if (varies) {
        const long long k = component + column_of(nt) + v % 2;
        z = fma(z - squares[row_of(m, v)], mixture.gains[k], mixture.log_weights[k]);
      }
    });
  }

  // The largest logits of the tile, of every row and warp, for all to see.
  FS_METHOD void find_maxima(const FragmentC (&logits)[MT][NT]) {
    each_row([&](int m, int half, int row) {
      float most = Limits<float>::LEAST;
      FS_UNROLL
      for (int nt = 0; nt < NT; nt++) {
        most = fmaxf(most, fmaxf(logits[m][nt].value[2 * half],
                                 logits[m][nt].value[2 * half + 1]));
      }
      most = fmaxf(most, shuffle_xor(most, 1));
      most = fmaxf(most, shuffle_xor(most, 2));
      if (lane % 4 == 0) {
        maxima[warp_column * ROWS + row] = most;
      }
    });
    FS_BARRIER();
  }

  // The largest logit of a row so far.
  FS_METHOD float most_of(long long tile, int row) const {
    float most = largest[tile % 2 * ROWS + row];
    FS_UNROLL
    for (int c = 0; c < WC; c++) {
      most = fmaxf(most, maxima[c * ROWS + row]);
    }
    return most;
  }

  // Calls body(m, half, row) for the rows that a thread has values of.
  template <typename Body>
  FS_METHOD void each_row(Body body) const {
    FS_UNROLL
    for (int m = 0; m < MT; m++) {
      FS_UNROLL
      for (int half = 0; half < 2; half++) {
        body(m, half, row_of(m, 2 * half));
      }
    }
  }

  // Marks components that are not below the largest logit so far by the margin.
  FS_METHOD void find_survivors(long long tile, const FragmentC (&logits)[MT][NT]) {
    find_maxima(logits);
    each_row([&](int m, int half, int row) {
      const float most = most_of(tile, row);
      unsigned marks[2] = {};
      FS_UNROLL
      for (int nt = 0; nt < NT; nt++) {
        FS_UNROLL
        for (int one = 0; one < 2; one++) {
          const int column = column_of(nt) + 2 * (lane % 4) + one;
          const bool survives = logits[m][nt].value[2 * half + one] >= most - mixture.margin;
          const unsigned mark = survives ? 1u << column % 32 : 0u;
          marks[0] |= column < 32 ? mark : 0u;
          marks[1] |= column < 32 ? 0u : mark;
        }
      }
      FS_UNROLL
      for (int word = 0; word < 2; word++) {
        marks[word] |= shuffle_xor(marks[word], 1);
        marks[word] |= shuffle_xor(marks[word], 2);
      }
      if (lane % 4 == 0) {
        marked[warp_column * ROWS + row] = marks[0];
        marked[(WC + warp_column) * ROWS + row] = marks[1];
        if (warp_column == 0) {
          largest[(tile + 1) % 2 * ROWS + row] = most;
        }
      }
    });
  }

  // All components are survivors of a row that the logits are not accurate for.
  FS_METHOD void store_survivors(long long tile, unsigned* survivors) const {
    const long long words = mixture.components / 32;
    for (int i = thread_index(); i < 2 * ROWS; i += THREADS) {
      const int row = i / 2;
      unsigned mark = outside(row) ? ~0u : 0u;
      FS_UNROLL
      for (int c = 0; c < WC; c++) {
        mark |= marked[(i % 2 * WC + c) * ROWS + row];
      }
      if (first + row < n) {
        survivors[(first + row) * words + 2 * tile + i % 2] = mark;
      }
    }
  }

  // From logits to weights relative to the largest logit so far, which are left in shared memory,
  // and their sums, one of every warp.
  FS_METHOD void weigh(long long tile, const FragmentC (&logits)[MT][NT]) {
    find_maxima(logits);
    each_row([&](int m, int half, int row) { weigh_row(tile, row, m, half, logits); });
  }

  FS_METHOD void weigh_row(long long tile, int row, int m, int half,
                           const FragmentC (&logits)[MT][NT]) {
    const bool varies = mixture.gains != nullptr;
    const float before = largest[tile % 2 * ROWS + row];
    const float most = most_of(tile, row);
    float total = 0;
    float precision = 0;
    float contraction = 0;
    int candidate = TILE_COMPONENTS;
    FS_UNROLL
    for (int nt = 0; nt < NT; nt++) {
      FS_UNROLL
      for (int one = 0; one < 2; one++) {
        const int column = column_of(nt) + 2 * (lane % 4) + one;
        const float z = logits[m][nt].value[2 * half + one];
        float weight = exp2_fast(z - most);
        total += weight;
        candidate = z == most && column < candidate ? column : candidate;
        if (varies) {
          const long long k = tile * TILE_COMPONENTS + column;
          contraction = fma(weight, mixture.contractions[k], contraction);
          weight *= mixture.precisions[k];
          precision += weight;
        }
        // In the second product number t + 4 i of a row of A is component 2 t + i: so a lane has
        // the same components in both, and rows of B lie in different banks.
        weights[row * PITCH + column_of(nt) + lane % 4 + 4 * one] = weight;
      }
    }
    total = lane_sum<4>(total);
    precision = varies ? lane_sum<4>(precision) : 0;
    contraction = varies ? lane_sum<4>(contraction) : 0;
    candidate = min_of(candidate, shuffle_xor(candidate, 1));
    candidate = min_of(candidate, shuffle_xor(candidate, 2));
    if (lane % 4 == 0) {
      const int at = warp_column * ROWS + row;
      partial[at] = total;
      partial[WC * ROWS + at] = precision;
      partial[2 * WC * ROWS + at] = contraction;
      candidates[at] = candidate;
      if (warp_column == 0) {
        rescale[row] = exp2_fast(before - most);
        largest[(tile + 1) % 2 * ROWS + row] = most;
      }
    }
  }

  FS_METHOD static int min_of(int a, int b) { return a < b ? a : b; }

  // A thread a row adds the sums of the warps to those of the tiles before.
  FS_METHOD void add_totals(long long tile) {
    for (int row = thread_index(); row < ROWS; row += THREADS) {
      float sum[3] = {};
      int candidate = TILE_COMPONENTS;
      FS_UNROLL
      for (int c = 0; c < WC; c++) {
        FS_UNROLL
        for (int s = 0; s < 3; s++) {
          sum[s] += partial[(s * WC + c) * ROWS + row];
        }
        candidate = min_of(candidate, candidates[c * ROWS + row]);
      }
      totals[row] = fma(totals[row], rescale[row], sum[0]);
      total_precisions[row] = fma(total_precisions[row], rescale[row], sum[1]);
      total_contractions[row] = fma(total_contractions[row], rescale[row], sum[2]);
      if (largest[(tile + 1) % 2 * ROWS + row] > largest[tile % 2 * ROWS + row]) {
        likeliest[row] = static_cast<int>(tile) * TILE_COMPONENTS + candidate;
      }
    }
  }

  // sums = rescale sums + weights nu, the columns of a chunk.
  FS_METHOD void multiply_means(long long tile, int chunk) {
    const float* means = stage(tile + chunk);
    const int width = chunk_width(chunk);
    FragmentC products[MT][NT];
    FragmentC corrections[MT][NT];
    FS_UNROLL_BY(2)
    for (int k = 0; k < TILE_COMPONENTS; k += 8) {
      FragmentA<Tf32> high[MT];
      FragmentA<Tf32> low[MT];
      FS_UNROLL
      for (int m = 0; m < MT; m++) {
        load_a(weights + (warp_row + 16 * m) * PITCH + k, PITCH, high[m], low[m]);
      }
      FS_UNROLL
      for (int nt = 0; nt < NT; nt++) {
        if (column_of(nt) < width) {
          const float* column = means + (k + 2 * (lane % 4)) * PITCH + column_of(nt) + lane / 4;
          const uint32_t words[2] = {bits_of(column[0]), bits_of(column[PITCH])};
          FragmentB<Tf32> b_high;
          FragmentB<Tf32> b_low;
          split(words, b_high, b_low);
          FS_UNROLL
          for (int m = 0; m < MT; m++) {
            multiply_add(corrections[m][nt], high[m], b_low);
            multiply_add(corrections[m][nt], low[m], b_high);
            multiply_add(products[m][nt], high[m], b_high);
          }
        }
      }
    }
    each_sum(chunk, [&](int m, int nt, FragmentC& sum) {
      FS_UNROLL
      for (int v = 0; v < 4; v++) {
        const float product = products[m][nt].value[v] + corrections[m][nt].value[v];
        sum.value[v] = fma(sum.value[v], rescale[row_of(m, v)], product);
      }
    });
  }

  // The sums that a thread has of a chunk; nobody else reads them.
  template <typename Body>
  FS_METHOD void each_sum(int chunk, Body body) const {
    FragmentC* own = reinterpret_cast<FragmentC*>(sums + ROWS * TILE_COORDINATES * chunk);
    const int width = chunk_width(chunk);
    FS_UNROLL
    for (int nt = 0; nt < NT; nt++) {
      FS_UNROLL
      for (int m = 0; m < MT; m++) {
        if (column_of(nt) < width) {
          body(m, nt, own[(nt * MT + m) * THREADS + thread_index()]);
        }
      }
    }
  }

  // log p, with the logit of the likeliest component done again by differences: its error is the
  // greater part of that of the sum.
  FS_METHOD void store_log_density(int row, float* log_density) const {
    const long long k = likeliest[row];
    const float* nu = mixture.means + k * mixture.width;
    float square = 0;
    for (int j = lane; j < mixture.dimension; j += WARP) {
      const float value = mixture.centred(x[(first + row) * mixture.dimension + j], j);
      const float e = fma(-mixture.alpha_low, nu[j], fma(-mixture.alpha, nu[j], value));
      square = fma(mixture.coordinate(MixtureTiles::SQUARE, j) * e, e, square);
    }
    square = lane_sum<WARP>(square);
    if (lane == 0) {
      const bool varies = mixture.gains != nullptr;
      const double exact = LN_2 * mixture.log_weights[k] -
                           (varies ? mixture.precisions[k] : 1.0) * static_cast<double>(square);
      const double expanded =
          LN_2 * last_largest(row) - (varies ? 0.0 : static_cast<double>(squares[row]));
      const double total = totals[row];
      log_density[first + row] = static_cast<float>(expanded + (exact - expanded) / total +
                                                    log(total) + mixture.log_constant);
    }
  }

  FS_METHOD float last_largest(int row) const {
    return largest[mixture.components / TILE_COMPONENTS % 2 * ROWS + row];
  }

  FS_METHOD void store_coordinate(int row, int j, float sum,
                                  const MixtureOutputs<float>& outputs) const {
    const bool varies = mixture.gains != nullptr;
    const float inverse = 1 / totals[row];
    const float mean = sum * inverse;
    const float point = varies ? total_precisions[row] * inverse : 1;
    const float gain = varies ? total_contractions[row] * inverse : 1;
    const long long at = (first + row) * mixture.dimension + j;
    const float centred = mixture.centred(x[at], j);
    if (outputs.score != nullptr) {
      outputs.score[at] = mixture.coordinate(MixtureTiles::SCORE, j) *
                          fma(mixture.alpha, mean, -point * centred);
    }
    if (outputs.posterior_mean != nullptr) {
      const float of_point =
          fma(gain * centred, mixture.coordinate(MixtureTiles::MEAN_OF_POINT, j),
              mixture.coordinate(MixtureTiles::MEAN_CENTRE, j));
      outputs.posterior_mean[at] =
          fma(mean, mixture.coordinate(MixtureTiles::MEAN_OF_MEANS, j), of_point);
    }
  }

  const MixtureTiles& mixture;
  const float* x;
  const long long first;
  const long long n;
  const int lane;
  const int warp;
  const int warp_row;
  const int warp_column;
  int point_pitch;

  // In shared memory.
  float* points;   // [ROWS,point_pitch], scaled
  float* sums;     // [ROWS,columns], fragment by fragment
  float* stages;   // chunks of means, two of [TILE_COMPONENTS,PITCH]
  float* weights;  // [ROWS,PITCH]
  float* squares;  // [ROWS]
  float* largest;  // [2,ROWS], in turn of every other tile
  float* rescale;  // [ROWS]
  float* totals;
  float* total_precisions;
  float* total_contractions;
  int* likeliest;
  float* maxima;    // [WC,ROWS]
  float* partial;   // [3,WC,ROWS]
  int* candidates;  // [WC,ROWS]
  unsigned* marked; // [2,WC,ROWS], where there are no partial sums
};

// far has room for a bit of every row.
template <int ROWS>
FS_KERNEL(TileShape<ROWS>::THREADS, tuning::TILE_BLOCKS)
mixture_tiles(MixtureTiles mixture, const float* x, long long n, MixtureOutputs<float> outputs,
              FarRows far) {
  FS_DYNAMIC_SHARED(float, shared);
  if constexpr (TENSOR_CORES) {
    TileOfRows<ROWS> rows(mixture, shared, x, block_index() * ROWS, n);
    rows.begin_copy(0, 0, 0);
    rows.load();
    rows.mark(far);
    FS_UNROLL_BY(1)
    for (long long tile = 0; tile * TILE_COMPONENTS < mixture.components; tile++) {
      rows.add_tile(tile);
    }
    rows.store(outputs);
  }
}

// survivors [n,K/32] has a bit of every component; see MarkedComponents.
template <int ROWS>
FS_KERNEL(TileShape<ROWS>::THREADS, tuning::TILE_BLOCKS)
mixture_survivors(MixtureTiles mixture, const float* x, long long n, unsigned* survivors) {
  FS_DYNAMIC_SHARED(float, shared);
  if constexpr (TENSOR_CORES) {
    TileOfRows<ROWS> rows(mixture, shared, x, block_index() * ROWS, n);
    rows.begin_copy(0, 0, 0);
    rows.load();
    FS_UNROLL_BY(1)
    for (long long tile = 0; tile * TILE_COMPONENTS < mixture.components; tile++) {
      rows.filter_tile(tile, survivors);
    }
  }
}

}  // namespace fewstep

package org.fewstep.network;

import java.util.List;

/**
 * The score of a mixture as ReLU-ReQU networks, and what the compiler knows of them.
 *
 * @param pieces one network for a single time; for an interval one or more that take the time, from
 *     noise down to data, each beginning where the one before ends
 * @param tolerance the L2(p_t) error that was asked for
 * @param float64 whether the networks need float64; else they hold in float32 too
 * @param errorBound a bound of the error in exact arithmetic, proved, at most half the tolerance
 * @param everywhere whether the bound holds at every x, or else for the L2(p_t) norm of the error
 * @param roundingError the L2(p_t) norm of what rounding adds in that precision, measured at draws
 *     of x_t; at most half the tolerance
 * @param measuredError the L2(p_t) distance to the score in that precision, measured at the same
 *     draws
 */
public record CompiledScore(
    List<Network> pieces,
    double tolerance,
    boolean float64,
    double errorBound,
    boolean everywhere,
    double roundingError,
    double measuredError) {

  /** Copies the list. */
  public CompiledScore {
    pieces = List.copyOf(pieces);
  }

  /**
   * The one network.
   *
   * @throws IllegalStateException if there are several pieces
   */
  public Network network() {
    if (pieces.size() != 1) {
      throw new IllegalStateException(
          "the score was compiled into %d pieces of time; ask for the one at a time"
              .formatted(pieces.size()));
    }
    return pieces.get(0);
  }

  /**
   * The network that holds at a time; where two meet, the one nearer to noise.
   *
   * @throws IllegalArgumentException if t lies in none
   */
  public Network at(double t) {
    return pieces.stream()
        .filter(piece -> t >= piece.timeLow() && t <= piece.timeHigh())
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "t must lie in [%s, %s], the times compiled, but is %s"
                        .formatted(
                            pieces.get(pieces.size() - 1).timeLow(), pieces.get(0).timeHigh(), t)));
  }

  /** The number of layers of the deepest piece. */
  public int depth() {
    return pieces.stream().mapToInt(Network::depth).max().orElseThrow();
  }

  /** The largest number of units of a layer. */
  public int width() {
    return pieces.stream().mapToInt(Network::width).max().orElseThrow();
  }

  /** The number of weights held (of sparse layers, the non-zero ones) and biases of all pieces. */
  public long parameters() {
    return pieces.stream().mapToLong(Network::parameters).sum();
  }
}

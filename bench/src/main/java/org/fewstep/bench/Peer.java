package org.fewstep.bench;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.fewstep.backend.Availability;

/**
 * Another library that does one of the tasks that are measured, found by {@link ServiceLoader}.
 * Peers are compiled and found only where the profile {@code peers} was on in the build; they never
 * throw while being found or asked, and what they lack is told as a reason.
 *
 * <p>Each answers every task with the ways in which it can do it, the fastest of which counts, or
 * with none. Contenders are given everything that their API can use again: outputs, temporaries,
 * constants. They are closed by the caller.
 */
interface Peer {

  /** The name of the library. */
  String name();

  /** Whether it can run here; the reason tells its version and what it dispatches to. */
  Availability availability();

  /** The score of every point of the workload, in single precision. */
  default List<Contender> score(Workload workload, int threads) {
    return List.of();
  }

  /**
   * The two matrix products that a score of large dimension cannot do without, [n,d] by [d,K] and
   * [n,K] by [K,d], and nothing between them.
   */
  default List<Contender> products(Workload workload, int threads) {
    return List.of();
  }

  /** The trajectory of every point by Heun's method over the knots of the flow. */
  default List<Contender> flow(FlowWorkload workload, int threads) {
    return List.of();
  }

  /** The outputs of a dense network for every row, in single precision. */
  default List<Contender> network(NetworkRows workload, int threads) {
    return List.of();
  }

  /** The matrix product of every layer of a dense network, and nothing between them. */
  default List<Contender> networkProducts(NetworkRows workload, int threads) {
    return List.of();
  }

  /**
   * A step of training, in single precision; its result is the {@linkplain TrainingStep#outcome
   * outcome} of the step.
   */
  default List<Contender> trainingStep(TrainingStep step, int threads) {
    return List.of();
  }

  /**
   * The peers that were compiled in. Names without a class are passed over: an earlier build with
   * the profile leaves its list behind.
   */
  static List<Peer> all() {
    List<Peer> found = new ArrayList<>();
    Iterator<Peer> peers = ServiceLoader.load(Peer.class).iterator();
    while (true) {
      try {
        if (!peers.hasNext()) {
          return found;
        }
        found.add(peers.next());
      } catch (ServiceConfigurationError e) {
        if (e.getCause() != null) {
          throw e;
        }
      }
    }
  }
}

package org.fewstep.flow;

import org.fewstep.backend.Batch;
import org.fewstep.backend.Plan;
import org.fewstep.backend.TimeConstants;

/**
 * Evaluates a vector field by single calls of a backend, for whoever composes steps. All batches of
 * a call have the same number of rows, at most the workspace's capacity.
 */
sealed interface FieldEvaluator permits MixtureEvaluator, NetworkEvaluator, UserEvaluator {

  /** An evaluator of a field with scratch of a workspace. */
  static FieldEvaluator of(VectorField field, Workspace workspace) {
    return switch (field) {
      case MixtureField mixture -> new MixtureEvaluator(mixture, workspace);
      case NetworkField network -> new NetworkEvaluator(network, workspace);
      case UserField user -> new UserEvaluator(user, workspace);
    };
  }

  /**
   * The velocity, or the denoised point, at one time for all rows.
   *
   * @param x [n,d]
   * @param value [n,d], not x
   * @param divergence [n,1], the divergence of the value, or null if it is not wanted
   */
  void evaluate(
      Plan.Evaluation evaluation, TimeConstants at, Batch x, Batch value, Batch divergence);

  /** The velocity at a time for each row; times is [n,1] in FLOAT64, the rest as above. */
  void velocity(Batch times, Batch x, Batch value, Batch divergence);
}

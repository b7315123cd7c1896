package org.fewstep.cuda;

import static org.fewstep.cuda.Arguments.address;
import static org.fewstep.cuda.Arguments.addresses;
import static org.fewstep.cuda.Arguments.code;

import java.util.List;
import org.fewstep.backend.Batch;
import org.fewstep.backend.ErrorEstimate;
import org.fewstep.cuda.binding.FewstepCuda;

/**
 * Combinations, steps, sums over a batch and random numbers: the calls behind the backend's
 * operations.
 */
final class LinearKernels {

  private final CudaContext context;

  LinearKernels(CudaContext context) {
    this.context = context;
  }

  void combine(Batch out, List<Batch> terms, double[] weights) {
    long elements = out.rows() * out.columns();
    context.run(
        "fs_combine",
        handle ->
            FewstepCuda.fs_combine(
                handle,
                code(out),
                elements,
                address(out),
                terms.size(),
                addresses(terms),
                weights));
  }

  void step(
      Batch x,
      List<Batch> slopes,
      Batch stepSizes,
      double[] weights,
      Batch next,
      ErrorEstimate error) {
    context.run(
        "fs_step",
        handle ->
            FewstepCuda.fs_step(
                handle,
                code(x),
                x.rows(),
                x.columns(),
                address(x),
                slopes.size(),
                addresses(slopes),
                weights,
                address(stepSizes),
                address(next),
                error == null ? null : error.weights(),
                error == null ? 0 : error.absolute(),
                error == null ? 0 : error.relative(),
                error == null ? 0 : address(error.squares())));
  }

  void steinSums(Batch x, Batch u, Batch divergence, Batch sums) {
    context.run(
        "fs_stein_sums",
        handle ->
            FewstepCuda.fs_stein_sums(
                handle,
                code(x),
                x.rows(),
                x.columns(),
                address(x),
                address(u),
                address(divergence),
                address(sums)));
  }

  void random(Batch out, long seed, long first, boolean normal) {
    int distribution = normal ? FewstepCuda.FS_NORMAL : FewstepCuda.FS_UNIFORM;
    long elements = out.rows() * out.columns();
    context.run(
        "fs_random",
        handle ->
            FewstepCuda.fs_random(
                handle, code(out), distribution, elements, address(out), seed, first));
  }

  void draw(Batch out, Batch source, long seed, long first) {
    context.run(
        "fs_draw",
        handle ->
            FewstepCuda.fs_draw(
                handle,
                code(out),
                out.rows(),
                out.columns(),
                address(out),
                address(source),
                source.rows(),
                seed,
                first));
  }
}

package org.fewstep.flow;

import org.fewstep.backend.Backend;
import org.fewstep.backend.Batch;
import org.fewstep.backend.Conversion;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.TimeConstants;
import org.fewstep.grid.SampledFlow;
import org.fewstep.grid.TimeGrid;
import org.fewstep.network.Network;

/** The flow of networks, run and differentiated in float64 for the grids that follow it. */
final class NetworkSamples implements SampledFlow {

  private final NetworkField field;
  private final Backend backend;

  NetworkSamples(NetworkField field, Backend backend) {
    Require.notNull("backend", backend);
    this.field = field;
    this.backend = backend;
  }

  @Override
  public int dimension() {
    return field.dimension();
  }

  @Override
  public double[][] states(double[] starts, double[] times) {
    Flow flow =
        Flow.of(field)
            .withSolver(new DpmSolver2M())
            .withGrid(TimeGrid.of(times))
            .withTrajectory(true);
    try (Batch x = batch(starts);
        FlowResult result = flow.run(backend, x)) {
      return result.trajectory().stream().map(Batch::toDoubleArray).toArray(double[][]::new);
    }
  }

  @Override
  public double[] jvp(double t, double[] points, double[] vectors) {
    return product(t, points, vectors, false);
  }

  @Override
  public double[] vjp(double t, double[] points, double[] vectors) {
    return product(t, points, vectors, true);
  }

  /** The velocity is {@code a x + b y}, so its Jacobian is {@code a I + b dy/dx}. */
  private double[] product(double t, double[] points, double[] vectors, boolean transposed) {
    TimeConstants at = TimeConstants.of(field.process().orElseThrow(), t);
    Conversion conversion = Conversion.of(field.output(), Plan.Evaluation.VELOCITY, at);
    Network piece = field.pieces().get(field.pieceAt(t));
    try (Batch x = batch(points);
        Batch v = batch(vectors);
        Batch product = batch(vectors)) {
      NetworkOutputs none = NetworkOutputs.none();
      backend.network(
          piece, t, x, transposed ? none.withVjp(v, product) : none.withJvp(v, product));
      double[] result = product.toDoubleArray();
      for (int i = 0; i < result.length; i++) {
        result[i] = conversion.ofState() * vectors[i] + conversion.ofOutput() * result[i];
      }
      return result;
    }
  }

  private Batch batch(double[] values) {
    long rows = values.length / field.dimension();
    Batch batch = backend.allocate(rows, field.dimension(), Precision.FLOAT64);
    batch.copyFrom(values);
    return batch;
  }
}

package org.fewstep.cuda;

import static org.fewstep.cuda.Arguments.address;
import static org.fewstep.cuda.Arguments.addresses;
import static org.fewstep.cuda.Arguments.code;

import java.util.EnumMap;
import java.util.Map;
import org.fewstep.backend.AdamStep;
import org.fewstep.backend.Batch;
import org.fewstep.backend.NetworkOutputs;
import org.fewstep.backend.Plan;
import org.fewstep.backend.Precision;
import org.fewstep.backend.Probes;
import org.fewstep.backend.TrajectoryOutputs;
import org.fewstep.cuda.binding.FewstepCuda;
import org.fewstep.network.Frame;
import org.fewstep.network.Network;
import org.fewstep.network.NetworkShape;

/** Networks and their training: the calls behind the backend's operations. */
final class NetworkKernels {

  /** What of a network does not come with the call: a shape, and what surrounds it. */
  private record Trainee(NetworkShape shape, Frame frame) {}

  /** Probes of a dimension. */
  private record Signs(Probes probes, int columns, Precision precision) {}

  /** A plan, and what the network gives that it runs on. */
  private record PlanFor(Plan plan, Network.Output output) {}

  private final CudaContext context;
  private final Map<Precision, PackCache<Network, PackedNetwork>> networks =
      new EnumMap<>(Precision.class);
  private final Map<Precision, PackCache<Trainee, PackedNetwork>> trainees =
      new EnumMap<>(Precision.class);
  private final Map<Precision, PackCache<PlanFor, PackedPlan>> plans =
      new EnumMap<>(Precision.class);

  private final PackCache<Signs, DeviceBuffer> probeSigns;

  NetworkKernels(CudaContext context) {
    this.context = context;
    this.probeSigns =
        PackCache.by(
            context,
            Signs::equals,
            of -> context.upload(of.probes.signs(of.columns), of.precision));
    for (Precision precision : Precision.values()) {
      networks.put(
          precision,
          PackCache.byIdentity(
              context,
              network ->
                  new PackedNetwork(
                      context, NetworkPack.of(network, usesTensorCores(precision)), precision)));
      trainees.put(
          precision,
          PackCache.by(
              context,
              (one, other) -> one.shape == other.shape && one.frame == other.frame,
              trainee ->
                  new PackedNetwork(
                      context, NetworkPack.of(trainee.shape, trainee.frame), precision)));
      plans.put(
          precision,
          PackCache.by(
              context,
              (one, other) -> one.plan == other.plan && one.output == other.output,
              wanted -> new PackedPlan(context, wanted.plan, wanted.output, precision)));
    }
  }

  /** Products of float32 go to tensor cores, if the device has them, and lose nothing by it. */
  private boolean usesTensorCores(Precision precision) {
    int[] has = new int[1];
    context.run("fs_tensor_cores", handle -> FewstepCuda.fs_tensor_cores(handle, has));
    return precision == Precision.FLOAT32 && has[0] != 0;
  }

  void network(Network network, double t, Batch x, NetworkOutputs outputs) {
    evaluate(network, t, null, x, outputs);
  }

  void network(Network network, Batch times, Batch x, NetworkOutputs outputs) {
    evaluate(network, 0, times, x, outputs);
  }

  private void evaluate(Network network, double t, Batch times, Batch x, NetworkOutputs outputs) {
    Probes probes = outputs.probes();
    context.exclusively(
        () -> {
          PackedNetwork packed = networks.get(x.precision()).get(network);
          DeviceBuffer signs =
              probes == null ? null : probeSigns.get(new Signs(probes, x.columns(), x.precision()));
          context.run(
              "fs_network_evaluate",
              handle ->
                  FewstepCuda.fs_network_evaluate(
                      handle,
                      packed.description(),
                      t,
                      address(times),
                      x.rows(),
                      address(x),
                      address(outputs.value()),
                      address(outputs.divergence()),
                      signs == null ? 0 : signs.address(),
                      probes == null ? 0 : probes.count(),
                      address(outputs.direction()),
                      address(outputs.jvp()),
                      address(outputs.cotangent()),
                      address(outputs.vjp())));
        });
  }

  boolean trajectory(Network network, Plan plan, Batch x, TrajectoryOutputs outputs) {
    context.requireOpen();
    if (outputs.logDensity() != null) {
      return false;
    }
    int[] fuses = new int[1];
    long[] knots = addresses(outputs.knots());
    context.exclusively(
        () -> {
          PackedNetwork packed = networks.get(x.precision()).get(network);
          context.run(
              "fs_network_fuses",
              handle ->
                  FewstepCuda.fs_network_fuses(handle, packed.description(), plan.slots(), fuses));
          if (fuses[0] == 0) {
            return;
          }
          PackedPlan program = plans.get(x.precision()).get(new PlanFor(plan, network.output()));
          context.run(
              "fs_network_trajectory",
              handle ->
                  FewstepCuda.fs_network_trajectory(
                      handle,
                      packed.description(),
                      program.times(),
                      program.operations(),
                      program.program(),
                      plan.slots(),
                      x.rows(),
                      address(x),
                      address(outputs.end()),
                      knots.length,
                      knots.length == 0 ? null : knots));
        });
    return fuses[0] != 0;
  }

  void forward(NetworkShape shape, Frame frame, Batch parameters, Batch x, Batch y, Batch saved) {
    context.exclusively(
        () -> {
          PackedNetwork packed = trainees.get(x.precision()).get(new Trainee(shape, frame));
          context.run(
              "fs_network_forward",
              handle ->
                  FewstepCuda.fs_network_forward(
                      handle,
                      packed.description(),
                      address(parameters),
                      x.rows(),
                      address(x),
                      address(y),
                      address(saved)));
        });
  }

  void backward(
      NetworkShape shape,
      Frame frame,
      Batch parameters,
      Batch x,
      Batch saved,
      Batch dy,
      Batch dx,
      Batch gradient) {
    context.exclusively(
        () -> {
          PackedNetwork packed = trainees.get(x.precision()).get(new Trainee(shape, frame));
          context.run(
              "fs_network_backward",
              handle ->
                  FewstepCuda.fs_network_backward(
                      handle,
                      packed.description(),
                      address(parameters),
                      x.rows(),
                      address(x),
                      address(saved),
                      address(dy),
                      address(dx),
                      address(gradient)));
        });
  }

  void adam(AdamStep step, Batch parameters, Batch gradient, Batch mean, Batch square) {
    context.run(
        "fs_adam",
        handle ->
            FewstepCuda.fs_adam(
                handle,
                code(parameters),
                parameters.columns(),
                address(parameters),
                address(gradient),
                address(mean),
                address(square),
                step.learningRate(),
                step.beta1(),
                step.beta2(),
                step.epsilon(),
                step.weightDecay(),
                step.clipNorm(),
                step.meanCorrection(),
                step.squareCorrection()));
  }
}

import org.fewstep.backend.BackendProvider;
import org.fewstep.backend.scalar.ScalarBackendProvider;
import org.fewstep.backend.vector.VectorBackendProvider;

/** Gaussian-mixture scores and probability flows for few-step diffusion sampling. */
module org.fewstep {
  requires static jdk.incubator.vector;
  requires ejml.core;
  requires ejml.ddense;

  exports org.fewstep.backend;
  exports org.fewstep.diffusion;
  exports org.fewstep.distill;
  exports org.fewstep.flow;
  exports org.fewstep.grid;
  exports org.fewstep.mixture;
  exports org.fewstep.network;
  exports org.fewstep.training;

  uses BackendProvider;

  provides BackendProvider with
      ScalarBackendProvider,
      VectorBackendProvider;
}

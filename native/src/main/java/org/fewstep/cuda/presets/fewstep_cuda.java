package org.fewstep.cuda.presets;

import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * Tells JavaCPP how to make the Java binding of the C interface. Archives are linked in the reverse
 * of the order here.
 */
@Properties(
    value =
        @Platform(
            value = "linux-x86_64",
            include = {
              "fewstep_cuda.h",
              "fewstep_linear.h",
              "fewstep_mixture.h",
              "fewstep_network.h"
            },
            link = {"cudart_static", "fewstep_cuda"},
            library = "jnifewstepcuda"),
    target = "org.fewstep.cuda.binding",
    global = "org.fewstep.cuda.binding.FewstepCuda")
@NoException
public class fewstep_cuda implements InfoMapper {

  @Override
  public void map(InfoMap infoMap) {
    infoMap.put(
        new Info("FEWSTEP_CUDA_H", "FEWSTEP_LINEAR_H", "FEWSTEP_MIXTURE_H", "FEWSTEP_NETWORK_H")
            .skip());
  }
}

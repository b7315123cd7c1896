/** Files of fewstep: arrays, networks, mixtures and tables. */
module org.fewstep.io {
  requires transitive org.fewstep;
  requires com.fasterxml.jackson.core;

  exports org.fewstep.io;
}

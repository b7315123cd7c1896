/** The command {@code fewstep}. */
module org.fewstep.cli {
  requires org.fewstep;
  requires org.fewstep.io;
  requires com.fasterxml.jackson.core;
  requires info.picocli;
  requires org.knowm.xchart;
  requires me.tongfei.progressbar;
  requires java.desktop;
}

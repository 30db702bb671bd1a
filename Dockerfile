# The Image Factory agent with what the Debian builder needs. Build: docker build -t imagefactory .
FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN npm ci && npm prune --omit=dev

FROM node:22-bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends \
    mmdebstrap e2fsprogs fdisk grub-common grub-pc-bin grub-efi-amd64-bin mtools dosfstools qemu-utils \
    uidmap fakeroot cpio kmod zstd ca-certificates runc slirp4netns iproute2 \
  && rm -rf /var/lib/apt/lists/* \
  && usermod --add-subuids 524288-1572863 --add-subgids 524288-1572863 root
WORKDIR /opt/imagefactory
COPY --from=build /src .
RUN mkdir -p /var/lib/imagefactory/storage
VOLUME /var/lib/imagefactory/storage
ENTRYPOINT ["node", "/opt/imagefactory/agent/bin/imagefactory.js", "--qmf", "--foreground"]
CMD ["--broker", "broker:5672", "--imgdir", "/var/lib/imagefactory/storage"]
